"""One network's turns in one process, in the order of time: what flags and numbers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.latency.job import ProcessRun


@dataclass(frozen=True)
class SampleSeries:
    """A row of iterations a block; `host_ms` as in `job.Sample`."""

    times_ms: tuple[tuple[float, ...], ...]
    host_ms: tuple[tuple[float, ...], ...]

    @property
    def medians_ms(self) -> Floats:
        """One median a block."""
        return np.array([median(times) for times in self.times_ms])

    @property
    def all_ms(self) -> list[float]:
        """All iterations."""
        return [time for times in self.times_ms for time in times]

    @property
    def all_host_ms(self) -> list[float]:
        """The host's times of all iterations."""
        return [time for times in self.host_ms for time in times]


def turns_of(sitting: ProcessRun, index: int) -> SampleSeries:
    """The turns of the line-up's network at this place."""
    visits = [visit for visit in sitting.visits if visit.place == index]
    return SampleSeries(tuple(v.times_ms for v in visits), tuple(v.host_ms for v in visits))
