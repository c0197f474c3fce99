"""All that a report of a run says, from what its ledger holds."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.compare.frames import classes_frame, curves_frame, runs_frame
from scaling_search.compare.methods import Method
from scaling_search.compare.rates import rate_check
from scaling_search.compare.trainings import Trainings
from scaling_search.core import toml_config
from scaling_search.core.errors import UserError
from scaling_search.experiment.beginning import growth_caution
from scaling_search.experiment.cautions import cautions
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.network_study import network_study, network_study_toml
from scaling_search.experiment.phases import phases_of
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.study import Study
from scaling_search.experiment.time_limit import may_conclude, noted_limit
from scaling_search.jobs.environment import mixture
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Result
from scaling_search.report.page_frames import NetworkDetails
from scaling_search.report.report_data import ReportData, TimingData
from scaling_search.search.constants import Constants
from scaling_search.search.frame import (
    CANDIDATE_COLUMNS,
    gate_frame,
    search_curves_frame,
    search_frame,
)
from scaling_search.search.gate import GateFinding
from scaling_search.search.resources import Meter, UntimedError, meter_of
from scaling_search.search.search import Find, Search
from scaling_search.search.space import Budget


def evidence_of(
    experiment: Experiment, ledger: Ledger, out: Path, concluded: Constants | None = None
) -> ReportData:
    """All that a report of this run says, from what the ledger holds; nothing is written.

    `concluded` as for `report_of`.
    """
    study, find = experiment.study, _Lookup(ledger)
    begun = _search(experiment, find)
    search = begun if begun is not None and may_conclude(begun, out) else None
    constants = None if search is None else concluded or experiment.constants(search)
    state = RunState(experiment, find, begun, constants)
    members = _members(state)
    trainings = experiment.trainings(members, find)
    timed = _time(experiment, ledger, experiment.line_up(members, search))
    limit_hours = noted_limit(out)
    return ReportData(
        title=study.name,
        question=_question(experiment),
        constants=constants,
        runs=runs_frame(trainings),
        search=_searched(experiment, begun, constants),
        curves=curves_frame(trainings),
        study_toml=toml_config.read_text(out / "study.toml", "study").replace("\r\n", "\n"),
        environment=_environment(out / "environment.json"),
        command=_command(study, out),
        time=timed,
        cautions=(*cautions(search), *growth_caution(experiment)),
        gate=_gate(experiment, ledger),
        gate_runs=_gate_runs(experiment, ledger),
        second=study.search.second,
        rates=rate_check(trainings),
        mixture=mixture(find.wheres()),
        missing=(
            *_missing(state),
            *_untimed(study, limit_hours, timed),
        ),
        limit_hours=limit_hours,
        details=_details(experiment, begun, trainings),
        classes=classes_frame(trainings, experiment.info.classes),
    )


def _environment(path: Path) -> dict[str, object]:
    """What the results were obtained with; raises UserError where its file can't be read."""
    text = toml_config.read_text(path, "run's environment")
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise UserError(
            f"a run's environment must be one JSON object, got other text in {str(path)!r}: "
            "take the file away, and run the study again with the same --out"
        ) from None


def _command(study: Study, out: Path) -> str:
    """What a shell runs the study with again, in a folder that holds its file."""
    name = os.fsencode(out.resolve().name).decode(errors="backslashreplace")
    words = ["scaling-search", "run", "study.toml", "--out", name]
    if study.is_function:
        words += ["--function", study.base]
    return shlex.join(words)


@dataclass(frozen=True)
class _Lookup:
    """Finds results in a ledger, and remembers whose they are."""

    ledger: Ledger
    jobs: dict[str, TrainJob] = field(default_factory=dict)

    def __call__(self, job: TrainJob) -> Result | None:
        result = self.ledger.get(job)
        if result is not None:
            self.jobs[job.hash] = job
        return result

    def wheres(self) -> Iterator[dict[str, str]]:
        """Where each of the results was obtained."""
        return map(self.ledger.where, self.jobs.values())


def _members(state: RunState) -> tuple[Member, ...]:
    """The networks of the comparison; none where a search alone has not timed them yet."""
    with suppress(UntimedError):
        return state.members if state.is_concluded else ()
    return ()


def _details(experiment: Experiment, search: Search | None, trainings: Trainings) -> NetworkDetails:
    """The studies of single networks, their simulated memory, and the candidates' curves."""
    study, members = experiment.study, trainings.members
    alone = {(m.method, m.phi): network_study(study, m, trainings) for m in members}
    meter = meter_of(Budget(resource="memory"), study.timing.regime)
    described = (m.architecture for m in members if isinstance(m.architecture, Architecture))
    curves = {} if search is None else {"search_curves": search_curves_frame(search)}
    return NetworkDetails(
        studies={key: network_study_toml(each) for key, each in alone.items() if each is not None},
        peaks=SimulatedPeaks({network.fingerprint: network for network in described}, meter),
        task=study.timing.regime.task,
        **curves,
    )


@dataclass(frozen=True)
class SimulatedPeaks(Mapping[str, int]):
    """Networks' peak memory in bytes by fingerprint, each simulated when a page asks for it."""

    networks: Mapping[str, Architecture]
    meter: Meter

    def __getitem__(self, fingerprint: str) -> int:
        """Raise KeyError for another network."""
        return round(self.meter(self.networks[fingerprint]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.networks)

    def __len__(self) -> int:
        return len(self.networks)


def _gate(experiment: Experiment, ledger: Ledger) -> tuple[GateFinding, ...] | None:
    """What speaks against the proxy; None without a gate, or before it has been run."""
    with suppress(UntimedError):
        return experiment.gate_findings(ledger.get)
    return None


def _time(
    experiment: Experiment, ledger: Ledger, line_up: Mapping[Architecture, Method]
) -> TimingData | None:
    """The newest timing of exactly these networks, on whichever machine it was made."""
    regime = experiment.study.timing.regime
    for timed in ledger.timings():
        if timed.job.regime == regime and set(timed.job.networks) == set(line_up):
            return TimingData(timed, tuple(line_up[network] for network in timed.job.networks))
    return None


def _gate_runs(experiment: Experiment, ledger: Ledger) -> pd.DataFrame | None:
    """The gate's finished trainings; None before its networks are timed under a latency budget."""
    with suppress(UntimedError):
        return gate_frame(experiment.gate_jobs(), ledger.get)
    return None


def _search(experiment: Experiment, find: Find) -> Search | None:
    """The run's search; None where the constants were given, or it waits for timings."""
    if experiment.study.compare.constants is not None:
        return None
    with suppress(UntimedError):
        search = experiment.search(find)
        search.state()
        return search
    return None


def _missing(state: RunState) -> Iterator[str]:
    """What the run has yet to do, in the order of its doing."""
    for phase in phases_of(state.experiment.study):
        with suppress(UntimedError):
            yield from phase.unfinished(state)


def _untimed(study: Study, limit_hours: float | None, timed: TimingData | None) -> Iterator[str]:
    """The timing, where a limit of hours left no room for it."""
    if limit_hours is not None and timed is None and study.timing.seconds:
        yield "the timing of its networks"


def _searched(
    experiment: Experiment, search: Search | None, constants: Constants | None
) -> pd.DataFrame:
    if search is None:
        return pd.DataFrame(columns=list(CANDIDATE_COLUMNS))
    frame, second = search_frame(search, constants), experiment.study.search.second
    if experiment.costs and second:
        weighed = dict(
            zip((candidate.name for candidate in experiment.pool), experiment.costs, strict=True)
        )
        frame[second] = frame["network"].map(weighed)
    return frame


def _question(experiment: Experiment) -> str:
    study, info = experiment.study, experiment.info
    folder = f" ({Path(study.data.root).name})" if study.data.root else ""
    question = (
        f"How should depth, width and resolution of {study.base} "
        f"({experiment.base.resolution_px} px) grow together on {info.name}{folder}: "
        f"{len(info.classes)} classes, {info.train_images:,} training images? "
        "And what is gained over growing just one?"
    )
    if experiment.initial is not None:
        question += f" Every network begins with what fits of {experiment.initial.name}."
    return f"{study.description} {question}".strip()
