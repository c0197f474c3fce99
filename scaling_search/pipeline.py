"""Study → ledger → report, the whole way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import small_map_warning
from scaling_search.compare.frames import comparison_jobs, curves_frame, runs_frame
from scaling_search.compare.gains import gains
from scaling_search.cost.explain import Axis as GrowthAxis
from scaling_search.cost.latency.processes import in_child, machine_of
from scaling_search.cost.latency.profile import time_networks
from scaling_search.cost.latency.protocol import SystemClock
from scaling_search.cost.latency.values import Place
from scaling_search.data.load import describe
from scaling_search.data.request import DataInfo
from scaling_search.errors import UserError
from scaling_search.files import write_atomically
from scaling_search.jobs.environment import chosen_device, environment
from scaling_search.jobs.execute import Place as TrainingPlace
from scaling_search.jobs.executor import Ended, Event, Executor, Inline, Workers, default_workers
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.outlook import Work, after_step, comparison
from scaling_search.report.page import Evidence, Paths, Time, write_report
from scaling_search.search.constants import Constants
from scaling_search.search.halving import Step
from scaling_search.search.table import COLUMNS, search_frame
from scaling_search.setting import Setting
from scaling_search.study import Study, read, to_toml

_INFO = TypeAdapter(DataInfo)


@dataclass(frozen=True)
class Outcome:
    """What a run found: the constants (None when they were given), tables, and the report.

    `runs` has one row a training of the comparison, `search` one a candidate, `curves` one an
    epoch, `gains` one a φ and rival; accuracies are fractions, gains percentage points.
    """

    constants: Constants | None
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    gains: pd.DataFrame
    report: Paths


class Watch(Protocol):
    """Who is told what goes on; the command line draws it."""

    def say(self, text: str) -> None:
        """A line for the reader, or what is being prepared."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: Work) -> None:
        """These jobs are about to run, and so much is expected after them."""

    def event(self, event: Event) -> None:
        """A job began, ended an epoch, or ended."""


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: Work) -> None:
        """Ignore it."""

    def event(self, event: Event) -> None:
        """Ignore it."""


def run(
    study: Study,
    out: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    limit_seconds: float | None = None,
    search_only: bool = False,
    watch: Watch | None = None,
) -> Outcome:
    """Search, conclude, compare and report; whatever the ledger in `out` holds is not run again.

    `workers` processes train at a time (None: one a core; 0: in this process); a training longer
    than `limit_seconds` is recorded as timed out. Raises UserError for a request that can't be
    met, before anything is trained.
    """
    watch = watch or Silent()
    device = chosen_device(device)
    workers = default_workers(device) if workers is None else workers
    if workers < 0:
        raise UserError(f"workers must be 0 or more, got {workers}")
    info = describe(study.data, report=watch.say)
    setting = Setting(study, info)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(out / "ledger.jsonl"))
        for note in [*ledger.notes, *_warnings(setting)]:
            watch.say(note)
        _write_inputs(setting, out)
        place = TrainingPlace(device, str(out / "checkpoints"))
        executor = _executor(stack, place, workers, out, limit_seconds)
        found = environment(device, workers)
        drive = _Drive(setting, ledger, executor, device, found, watch)
        if not (out / "environment.json").exists():
            drive.note_environment()
        return _run(drive, out, search_only)


def redraw(out: Path, *, function: str | None = None) -> Outcome:
    """Write the report of a run directory again from its ledger, training nothing.

    `function` must be given again where the base is a function of the user's. Raises UserError
    when the directory holds no run, or its search is not finished.
    """
    setting = read_setting(out, function=function)
    with Ledger(out / "ledger.jsonl") as ledger:
        return _report(setting, ledger, out)


def read_setting(out: Path, *, function: str | None = None) -> Setting:
    """The setting of a run directory; raises UserError when there is none."""
    study = read(out / "study.toml", function=function)
    try:
        info = _INFO.validate_json((out / "data.json").read_bytes())
    except (OSError, ValidationError):
        raise UserError(
            f"a run directory holds study.toml and data.json, got {str(out)!r}: run the study first"
        ) from None
    return Setting(study, info)


@dataclass(frozen=True)
class _Drive:
    """What brings the missing jobs to their results."""

    setting: Setting
    ledger: Ledger
    executor: Executor
    device: str
    environment: dict[str, str]
    watch: Watch

    def finish(self, name: str, jobs: Iterable[TrainJob], later: Work) -> None:
        """Run what is missing of these jobs, the longest first so that no core waits at the end."""
        missing = [job for job in jobs if self.ledger.get(job) is None]
        missing.sort(key=lambda job: -job.mac_images)
        if not missing:
            return
        self.note_environment()
        self.watch.phase(name, missing, later)
        where = {"device": self.environment["device"]}
        for event in self.executor.run(missing):
            if isinstance(event, Ended):
                self.ledger.accept(event.job, event.result, where)
            self.watch.event(event)

    def note_environment(self) -> None:
        """Write the environment down: when something is trained, not on every start.

        It says what the results were obtained with.
        """
        write_atomically(self.ledger.path.with_name("environment.json"), _json(self.environment))

    def time(self, networks: list[Architecture]) -> None:
        """Time the networks, unless this machine has timed them; nothing trains beside it."""
        if not networks or not self.setting.study.timing.seconds:
            return
        place = Place(self.device, machine_of(self.device))
        job = self.setting.time_job(networks, place)
        if self.ledger.timed(job) is None:
            seconds = f"{job.budget.seconds:g} s and its warm-up"
            self.watch.say(f"timing {len(networks)} networks: {seconds}, again if it is unstable")
            timed = time_networks(job, in_child, SystemClock())
            self.ledger.accept_timed(timed, {"device": place.machine})

    def search(self, afterwards: Work) -> Step:
        """Run the search to its end."""
        rungs = len(self.setting.study.search.rungs)
        while not (step := self.setting.step(self.ledger.get)).done:
            later = after_step(self.setting, step) + afterwards
            self.finish(f"search, rung {len(step.rungs)} of {rungs}", step.missing, later)
        return step


def _run(drive: _Drive, out: Path, search_only: bool) -> Outcome:
    setting, find = drive.setting, drive.ledger.get
    coefficients, step = setting.study.compare.constants, None
    if coefficients is None:
        step = drive.search(Work() if search_only else comparison(setting))
        coefficients = setting.constants(step, find).coefficients
    if not search_only:
        members, seeds = setting.members(coefficients), setting.study.compare.seeds
        drive.finish("comparison", comparison_jobs(members, seeds, setting.compare_job), Work())
        drive.time(list(setting.line_up(members, step)))
    drive.watch.say("drawing the report")
    return _report(setting, drive.ledger, out)


def _report(setting: Setting, ledger: Ledger, out: Path) -> Outcome:
    """Tables, figures and page from what the ledger holds; the search must be finished."""
    study, find = setting.study, ledger.get
    constants, searched, step = _searched(setting, ledger)
    coefficients = constants.coefficients if constants else study.compare.constants
    members = setting.members(coefficients) if coefficients else ()
    seeds = study.compare.seeds
    runs = runs_frame(members, seeds, setting.compare_job, find)
    curves = curves_frame(members, seeds, setting.compare_job, find)
    evidence = Evidence(
        title=study.name,
        question=_question(setting),
        constants=constants,
        runs=runs,
        search=searched,
        curves=curves,
        study_toml=(out / "study.toml").read_text(encoding="utf-8"),
        environment=json.loads((out / "environment.json").read_text()),
        command=f"scaling-search run study.toml --out {out.name}",
        time=_time(setting, ledger, setting.line_up(members, step)),
    )
    return Outcome(constants, runs, searched, curves, gains(runs), write_report(evidence, out))


def _time(
    setting: Setting, ledger: Ledger, line_up: Mapping[Architecture, GrowthAxis]
) -> Time | None:
    """The newest timing of exactly these networks, on whichever machine it was made."""
    regime = setting.study.timing.regime
    for timed in ledger.timings():
        if timed.job.regime == regime and set(timed.job.networks) == set(line_up):
            return Time(timed, tuple(line_up[network] for network in timed.job.networks))
    return None


def _searched(
    setting: Setting, ledger: Ledger
) -> tuple[Constants | None, pd.DataFrame, Step | None]:
    study, find = setting.study, ledger.get
    if study.compare.constants is not None:
        return None, pd.DataFrame(columns=list(COLUMNS)), None
    step = setting.step(find)
    if not step.done:
        raise UserError(
            f"a report needs a finished search, got {len(step.missing)} trainings missing: "
            "run the study again with the same --out"
        )
    constants = setting.constants(step, find)
    make = setting.search_job
    return constants, search_frame(study.search, setting.pool, step, constants, make, find), step


def _question(setting: Setting) -> str:
    study, info = setting.study, setting.info
    folder = f" ({Path(study.data.root).name})" if study.data.root else ""
    question = (
        f"How should depth, width and resolution of {study.base} "
        f"({setting.base.resolution_px} px) grow together on {info.name}{folder}: "
        f"{len(info.classes)} classes, {info.train_images:,} training images? "
        "And what is gained over growing just one?"
    )
    return f"{study.description} {question}".strip()


def _warnings(setting: Setting) -> list[str]:
    warning = small_map_warning(setting.base) if isinstance(setting.base, Architecture) else None
    return [f"{warning}, or set fit_strides = true"] if warning else []


def _executor(
    stack: ExitStack, place: TrainingPlace, workers: int, out: Path, limit_seconds: float | None
) -> Executor:
    if workers == 0:
        return Inline(place)
    return stack.enter_context(Workers(workers, place, out / "logs", limit_seconds))


def _write_inputs(setting: Setting, out: Path) -> None:
    write_atomically(out / "study.toml", to_toml(setting.study).encode())
    write_atomically(out / "data.json", _json(asdict(setting.info)))


def _json(values: object) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
