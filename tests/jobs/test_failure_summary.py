"""What failed trainings have in common is quoted, and what is said to help is of that kind."""

from __future__ import annotations

import pytest

from scaling_search.jobs.failure_summary import commonest_failure, failure_words
from scaling_search.jobs.result import Diverged, Failed, Lost, OutOfMemory, Result, TimedOut
from tests.jobs.small import FINISHED

NAN = Diverged("the loss is nan in epoch 1")
ONE_VALUE = "ValueError: Expected more than 1 value per channel when training, got [1, 8, 1, 1]"


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            [NAN, Diverged("the loss is nan in epoch 2"), NAN, Failed("KeyError: 'a'"), FINISHED],
            "lower the learning rate (3 of 4 failed trainings: the loss is nan in epoch 1)",
        ),
        (
            [
                Failed("KeyError: 'a' (logs/worker-0.log)"),
                Failed("KeyError: 'a' (logs/driver.log)"),
            ],
            "mend the network's code, or see the log (2 of 2 failed trainings: KeyError: 'a')",
        ),
        (
            [Failed(ONE_VALUE)],
            "raise batch_size, for batch norm has nothing to normalise by "
            f"(1 of 1 failed trainings: {ONE_VALUE})",
        ),
        (
            [TimedOut(0.2), TimedOut(0.2), NAN],
            "give more time with --job-timeout (2 of 3 failed trainings: more than 0.2 s)",
        ),
        (
            [OutOfMemory(64, "CUDA out of memory")],
            "lower the batch size (1 of 1 failed trainings: no memory for a batch of 64)",
        ),
        (
            [Lost(3, "the process ended with status -9")],
            "mend the network's code, or see the log "
            "(1 of 1 failed trainings: the process ended with status -9)",
        ),
    ],
)
def test_the_commonest_kind_is_quoted_with_its_own_remedy(results: list[Result], said: str) -> None:
    assert commonest_failure(results) == said


def test_a_single_failure_is_its_kind_its_reason_and_what_helps() -> None:
    said = "failed: KeyError: 'a' (logs/driver.log); mend the network's code, or see the log"
    assert failure_words(Failed("KeyError: 'a' (logs/driver.log)")) == said
    assert failure_words(FINISHED) == ""
