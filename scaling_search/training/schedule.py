"""Learning rates as fractions of their peak: pure functions of the step.

Only the trapezoid is made for trainings of several lengths: its plateau is shared by all of them,
and each ends with a fall of its own. Cosine and one-cycle depend on the total from the first step,
so a rung of another length is another training from its start. The exponential does not depend on
the total at all: a shorter training is the beginning of a longer one, and is cut off while its
rate is still high; compare cut-off runs of it with care.
"""

from __future__ import annotations

from math import cos, pi
from typing import Literal

Schedule = Literal["trapezoid", "cosine", "one-cycle", "exponential"]

ONE_CYCLE_START = 25.0  # the first rate is this fraction of the peak, as torch's OneCycleLR
ONE_CYCLE_END = 1e4  # and the last one this fraction of the first


def warm_up_rate(step: int, warmup_steps: float) -> float:
    """A linear rise that is 1 from step `warmup_steps` - 1 on.

    Examples:
        >>> from scaling_search.training.schedule import warm_up_rate
        >>> [warm_up_rate(step, warmup_steps=4) for step in range(6)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def trapezoid(step: int, total_steps: int, fall_begins: int) -> float:
    """1, then from step `fall_begins` a line to 0 at `total_steps` (arXiv 2405.18392).

    Examples:
        >>> from scaling_search.training.schedule import trapezoid
        >>> [trapezoid(step, total_steps=10, fall_begins=6) for step in (0, 6, 8, 9)]
        [1.0, 1.0, 0.5, 0.25]
    """
    return min(1.0, (total_steps - step) / (total_steps - fall_begins))


def cosine(step: int, total_steps: int, warmup_steps: float) -> float:
    """1 during the warm-up, then half a cosine to 0 at `total_steps` (arXiv 1608.03983).

    Examples:
        >>> from scaling_search.training.schedule import cosine
        >>> [round(cosine(step, total_steps=10, warmup_steps=2), 2) for step in (0, 2, 6, 9)]
        [1.0, 1.0, 0.5, 0.04]
    """
    if step < warmup_steps:
        return 1.0
    return _half_cosine(1.0, 0.0, (step - warmup_steps) / (total_steps - warmup_steps))


def one_cycle(step: int, total_steps: int, rise_fraction: float) -> float:
    """From 1/25 up to 1 over `rise_fraction` of the steps, then down to 1/250 000.

    arXiv 1708.07120; both ways are half cosines, and torch's OneCycleLR gives the same.

    Examples:
        >>> from scaling_search.training.schedule import one_cycle
        >>> [round(one_cycle(step, total_steps=10, rise_fraction=0.3), 2) for step in (0, 2, 9)]
        [0.04, 1.0, 0.0]
    """
    last, peak = total_steps - 1, rise_fraction * total_steps - 1
    start = 1 / ONE_CYCLE_START
    if step < peak:
        return _half_cosine(start, 1.0, step / peak)
    # A single step has its peak and no way down.
    return _half_cosine(1.0, start / ONE_CYCLE_END, (step - peak) / (last - peak) if last else 0)


def exponential(step: int, warmup_steps: float, steps_per_decay: float, factor: float) -> float:
    """1 during the warm-up, then `factor` for every `steps_per_decay` whole steps since step 0.

    As tensorflow/tpu, models/official/efficientnet/utils.py, `build_learning_rate`: a staircase
    that has gone on under the warm-up.

    Examples:
        >>> from scaling_search.training.schedule import exponential
        >>> [exponential(step, 2, steps_per_decay=4, factor=0.5) for step in (0, 3, 4, 8)]
        [1.0, 1.0, 0.5, 0.25]
    """
    return 1.0 if step < warmup_steps else float(factor ** (step // steps_per_decay))


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) / 2 * (1 + cos(pi * fraction))
