"""All that a report says, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from scaling_search.compare.rates import RateCheck
from scaling_search.cost.latency_model import (
    LEAST_POINTS,
    GrowthWay,
    LatencyModel,
    TimedNetwork,
    explain,
)
from scaling_search.latency.result import Timed
from scaling_search.report.latency import accuracy_latency_frame, latency_frame, points_of
from scaling_search.report.page_frames import NetworkDetails, PageFrames
from scaling_search.report.pareto import pareto
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Resource


@dataclass(frozen=True)
class TimingData:
    """The networks' timing on one machine, and how each of them grew, in the job's order."""

    timed: Timed
    axes: tuple[GrowthWay, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a network."""
        return latency_frame(self.timed)

    @cached_property
    def points(self) -> list[TimedNetwork]:
        """The networks as points of a fit."""
        return points_of(self.timed, self.axes)

    @cached_property
    def explanation(self) -> LatencyModel | None:
        """What explains time on this machine; None with too few networks to fit anything."""
        if len(self.points) < LEAST_POINTS:
            return None
        job = self.timed.job
        return explain(self.points, job.place.machine, job.regime.words)


@dataclass(frozen=True)
class ReportData:
    """All that a report says, as values: nothing in it is looked up elsewhere.

    `question` is one sentence; `constants` is None where no search was run; `runs`, `search` and
    `curves` are the frames of comparison, candidates and epochs (any may be empty); `study_toml`
    and `command` let a reader run the study again; `environment` holds versions and machine;
    `time` is None where nothing was timed; `cautions` are sentences on how far the constants are to
    be trusted; `gate` is what speaks against the proxy itself (None: the gate was not run);
    `gate_runs` has a row for each of its finished trainings (None: as without any); `second` is the
    resource that the search weighed beside accuracy, a column of `search`; `rates` is None where
    networks were compared at the recipe's learning rate alone; `missing` says what an unfinished
    run has yet to do, `limit_hours` that it has left that out for so many hours; `classes` has a
    row a class of each training (None: nothing was counted); `mixture` counts the trainings on
    each kind of device, empty where all may be of one.
    """

    title: str
    question: str
    constants: Constants | None
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    study_toml: str
    environment: Mapping[str, object]
    command: str
    time: TimingData | None = None
    cautions: tuple[str, ...] = ()
    second: Resource | None = None
    gate: tuple[GateFinding, ...] | None = None
    gate_runs: pd.DataFrame | None = None
    rates: RateCheck | None = None
    mixture: str = ""
    missing: tuple[str, ...] = ()
    limit_hours: float | None = None
    details: NetworkDetails = field(default_factory=NetworkDetails)
    classes: pd.DataFrame | None = None


def second_objective(evidence: ReportData) -> list[tuple[Resource, str]]:
    """The second objective and its words, if there is one and a candidate to show."""
    second = evidence.second
    if second is None or not len(pareto(evidence.search, second)):
        return []
    return [(second, RESOURCES[second].label)]


def frames_of(evidence: ReportData) -> PageFrames:
    """What of the evidence the page's script, and a figure for a paper, draw from."""
    time, peaks, latency = evidence.time, dict[str, int](), None
    if time is not None:
        measured = time.frame[time.frame["peak_source"] == "measured"]
        peaks = dict(zip(measured["fingerprint"], measured["peak_bytes"].astype(int), strict=True))
        latency = accuracy_latency_frame(evidence.runs, time.frame)
    frames = (evidence.runs, evidence.search, evidence.curves, latency)
    return PageFrames(
        evidence.title,
        *frames,
        peaks=peaks,
        details=evidence.details,
        gate=evidence.gate_runs,
        second=evidence.second if second_objective(evidence) else None,
    )
