"""What a run found, from what its ledger holds: frames, and the report drawn of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.compare.frames import curves_frame, runs_frame
from scaling_search.compare.gains import gains
from scaling_search.compare.methods import Method
from scaling_search.compare.rates import RateCheck, rate_check
from scaling_search.compare.trainings import Trainings
from scaling_search.data.request import DataInfo
from scaling_search.errors import UserError
from scaling_search.jobs.environment import mixture
from scaling_search.jobs.job import Result, TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.report.page import Evidence, Paths, Time, write_report
from scaling_search.search.constants import Constants
from scaling_search.search.gate import Finding
from scaling_search.search.resources import UntimedError
from scaling_search.search.search import Find, Search
from scaling_search.search.table import COLUMNS, gate_frame, search_frame
from scaling_search.setting import Setting
from scaling_search.study import read
from scaling_search.trust import cautions

_INFO = TypeAdapter(DataInfo)


@dataclass(frozen=True)
class Outcome:
    """What a run found: the constants (None when they were given), tables, and the report.

    `runs` has one row a training of the comparison, `search` one a candidate, `curves` one an
    epoch, `gains` one a φ and rival; accuracies are fractions, gains percentage points. `cautions`
    are sentences on how far the constants are to be trusted. `rates` is what each network came to
    at each learning rate, where several are checked; `gate` what speaks against the proxy (None:
    the gate was not run).
    """

    constants: Constants | None
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    gains: pd.DataFrame
    report: Paths
    cautions: tuple[str, ...] = ()
    rates: RateCheck | None = None
    gate: tuple[Finding, ...] | None = None


def redraw(out: Path, *, function: str | None = None) -> Outcome:
    """Write the report of a run directory again from its ledger, training nothing.

    `function` must be given again where the base is a function of the user's. Of a run that is not
    finished the report says what is missing. Raises UserError when the directory holds no run.
    """
    setting = read_setting(out, function=function)
    with Ledger(out / "ledger.jsonl") as ledger:
        return report_of(setting, ledger, out)


def read_setting(out: Path, *, function: str | None = None) -> Setting:
    """The setting of a run directory; raises UserError when there is none."""
    study = read(out / "study.toml", function=function)
    try:
        info = _INFO.validate_json((out / "data.json").read_bytes())
    except (OSError, ValidationError):
        raise UserError(
            f"a run directory holds study.toml and data.json, got {str(out)!r}: run the study first"
        ) from None
    setting = Setting(study, info)
    if not study.asks_latency:
        return setting
    ledger = out / "ledger.jsonl"
    return setting.knowing(Ledger.glance(ledger).timings()) if ledger.exists() else setting


def report_of(setting: Setting, ledger: Ledger, out: Path) -> Outcome:
    """Tables, figures and page from what the ledger holds, and what is missing there."""
    study, find = setting.study, _Lookup(ledger)
    search = _finished_search(setting, find)
    constants = None if search is None else setting.constants(search)
    coefficients = constants.coefficients if constants else study.compare.constants
    members = _members(setting, coefficients)
    trainings = setting.trainings(members, find)
    searched = _searched(setting, search, constants)
    runs, curves = runs_frame(trainings), curves_frame(trainings)
    rates = rate_check(trainings)
    against, gate = cautions(search), _gate(setting, ledger)
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
        time=_time(setting, ledger, setting.line_up(members, search)),
        cautions=against,
        gate=gate,
        gate_runs=_gate_runs(setting, ledger),
        second=study.search.second,
        rates=rates,
        mixture=mixture(find.wheres()),
        missing=tuple(_missing(setting, ledger, search, trainings)),
    )
    report = write_report(evidence, out)
    return Outcome(constants, runs, searched, curves, gains(runs), report, against, rates, gate)


@dataclass(frozen=True)
class _Lookup:
    """Finds results in a ledger, and remembers whose they are."""

    ledger: Ledger
    found: dict[str, TrainJob] = field(default_factory=dict)

    def __call__(self, job: TrainJob) -> Result | None:
        result = self.ledger.get(job)
        if result is not None:
            self.found[job.hash] = job
        return result

    def wheres(self) -> Iterator[dict[str, str]]:
        """Where each of the results was obtained."""
        return map(self.ledger.where, self.found.values())


def _members(setting: Setting, coefficients: Coefficients | None) -> tuple[Member, ...]:
    """The networks of the comparison; none where a search alone has not timed them yet."""
    with suppress(UntimedError):
        return setting.members(coefficients) if coefficients else ()
    return ()


def _gate(setting: Setting, ledger: Ledger) -> tuple[Finding, ...] | None:
    """What speaks against the proxy; None without a gate, or before it has been run."""
    with suppress(UntimedError):
        return setting.gate_findings(ledger.get)
    return None


def _time(setting: Setting, ledger: Ledger, line_up: Mapping[Architecture, Method]) -> Time | None:
    """The newest timing of exactly these networks, on whichever machine it was made."""
    regime = setting.study.timing.regime
    for timed in ledger.timings():
        if timed.job.regime == regime and set(timed.job.networks) == set(line_up):
            return Time(timed, tuple(line_up[network] for network in timed.job.networks))
    return None


def _gate_runs(setting: Setting, ledger: Ledger) -> pd.DataFrame | None:
    """The gate's finished trainings; None before its networks are timed under a latency budget."""
    with suppress(UntimedError):
        return gate_frame(setting.gate_jobs(), ledger.get)
    return None


def _finished_search(setting: Setting, find: Find) -> Search | None:
    """The run's search; None where the constants were given, or it is not finished."""
    if setting.study.compare.constants is not None:
        return None
    with suppress(UntimedError):
        search = setting.search(find)
        return search if search.state().done else None
    return None


def _missing(
    setting: Setting, ledger: Ledger, search: Search | None, trainings: Trainings
) -> Iterator[str]:
    """What the run has yet to do, in the order of its doing."""
    with suppress(UntimedError):
        gate = [job for jobs in setting.gate_jobs().values() for job in jobs]
        left = sum(ledger.get(job) is None for job in gate)
        if left:
            yield f"{left} of the gate's {len(gate)} trainings"
    if search is None and setting.study.compare.constants is None:
        yield f"the rest of the search ({_tried(setting, ledger)} candidates tried so far)"
    compared = trainings.first()
    left = sum(ledger.get(job) is None for job in compared)
    if left or not compared:
        yield f"{left} of the comparison's {len(compared)} trainings" if left else "the comparison"


def _tried(setting: Setting, ledger: Ledger) -> int:
    """How many candidates have a training that ended."""
    with suppress(UntimedError):
        search = setting.search(ledger.get)
        tried = set().union(*search.reached())
        return sum(any(map(ledger.get, search.jobs(0, index))) for index in tried)
    return 0


def _searched(setting: Setting, search: Search | None, constants: Constants | None) -> pd.DataFrame:
    if search is None or constants is None:
        return pd.DataFrame(columns=list(COLUMNS))
    frame, second = search_frame(search, constants), setting.study.search.second
    if setting.costs and second:
        weighed = dict(zip((one.name for one in setting.pool), setting.costs, strict=True))
        frame[second] = frame["network"].map(weighed)
    return frame


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
