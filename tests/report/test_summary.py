"""The last lines of a run: short enough to be read aloud, and honest about the gate."""

from __future__ import annotations

import pandas as pd

from scaling_search.arch.scaling import Coefficients
from scaling_search.report.summary import summary_lines
from scaling_search.search.gate import GateFinding
from tests.answers import answer
from tests.report.frames import runs_frame

SPANS = ((1.0, 1.25), (1.0, 1.08), (1.27, 1.29))
CONSTANTS = answer(Coefficients(1.05, 1.1, 1.28), SPANS, ("a", "b"), {"a": 0.47, "b": 0.3})
NOTHING = pd.DataFrame()


def test_a_whole_run_ends_in_four_lines() -> None:
    constants, surety, reached, verdict = summary_lines(CONSTANTS, (), runs_frame(noise=1e-5))
    assert constants == (
        "With each step of φ, make the network 1.05 times deeper, 1.10 times wider, "
        "and its images 1.28 times larger."
    )
    assert surety == (
        "These are the best of 12 candidates with a probability of 47%, "
        "within 0.5 points of the best with 75%; their proxy passes the gate."
    )
    assert reached == (
        "Of the test images, the base gets 62.0 % right; at 4 times its cost, depth alone 56.0 %, "
        "width alone 73.0 %, resolution alone 96.0 % and compound scaling 89.0 %."
    )
    assert verdict.startswith("At 4 × the base's cost (φ = 2), resolution alone is best here")


def test_a_gate_that_is_not_passed_stands_beside_the_constants() -> None:
    findings = (GateFinding("depth alone is near chance", "train longer"), GateFinding("x", "y"))
    _, surety = summary_lines(CONSTANTS, findings, NOTHING)
    doubt = "but don't build on them, for depth alone is near chance, and 1 more in the report."
    assert surety.endswith(doubt)


def test_a_search_without_a_gate_says_so() -> None:
    assert summary_lines(CONSTANTS, None, NOTHING)[1].endswith(
        "whether their proxy can be believed."
    )


def test_constants_that_were_given_are_not_told_again() -> None:
    reached, verdict = summary_lines(None, None, runs_frame())
    assert reached.startswith("Of the test images")
    assert "φ = 2" in verdict


def test_where_the_base_has_not_ended_the_others_are_said() -> None:
    runs = runs_frame()
    (reached, *_) = summary_lines(None, None, runs[runs["method"] != "base"])
    assert reached.startswith("Of the test images, at 4 times the base's cost, depth alone")
    assert reached.endswith("are right.")


def test_failed_trainings_alone_give_no_line() -> None:
    failed = runs_frame()
    failed["status"] = "diverged"
    assert summary_lines(None, None, failed) == []
