"""Why trainings failed, what many of them have in common, and what helps against that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from scaling_search.jobs.result import (
    Diverged,
    Failed,
    Finished,
    Lost,
    OutOfMemory,
    Result,
    TimedOut,
)


def commonest_failure(results: Iterable[Result]) -> str:
    """The commonest reason why trainings failed, how many did of it, and the way out.

    Examples:
        >>> from scaling_search.jobs.failure_summary import commonest_failure
        >>> from scaling_search.jobs.result import Diverged, TimedOut
        >>> nan = Diverged("the loss is nan")
        >>> commonest_failure([nan, nan, TimedOut(3.0)])
        'lower the learning rate (2 of 3 failed trainings: the loss is nan)'
    """
    failed = [result for result in results if not isinstance(result, Finished)]
    if not failed:
        return "train more candidates"
    pairs = [_reason_and_remedy(result) for result in failed]
    remedy, count = Counter(remedy for _, remedy in pairs).most_common(1)[0]
    reasons = Counter(reason.partition(" (logs/")[0] for reason, r in pairs if r == remedy)
    return f"{remedy} ({count} of {len(failed)} failed trainings: {reasons.most_common(1)[0][0]})"


def failure_words(result: Result) -> str:
    """Why a single training came to no end, and the way out; empty for one that did.

    Examples:
        >>> from scaling_search.jobs.failure_summary import failure_words
        >>> from scaling_search.jobs.result import TimedOut
        >>> failure_words(TimedOut(3.0))
        'timed-out: more than 3 s; give more time with --job-timeout'
    """
    reason, remedy = _reason_and_remedy(result)
    return f"{result.kind}: {reason}; {remedy}" if remedy else ""


def _reason_and_remedy(result: Result) -> tuple[str, str]:
    match result:
        case Diverged():
            return result.reason, "lower the learning rate"
        case OutOfMemory():
            return f"no memory for a batch of {result.batch_size}", "lower the batch size"
        case TimedOut():
            return f"more than {result.limit_seconds:g} s", "give more time with --job-timeout"
        case Failed() if "Expected more than 1 value per channel" in result.reason:
            return result.reason, "raise batch_size, for batch norm has nothing to normalise by"
        case Failed() | Lost():
            return result.reason, "mend the network's code, or see the log"
        case Finished():
            return "", ""
        case _:
            assert_never(result)
