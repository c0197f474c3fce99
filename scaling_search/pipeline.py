"""Study → ledger → report, the whole way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import small_map_warning
from scaling_search.cost.foreign import Foreign
from scaling_search.data.load import describe
from scaling_search.drive import Drive, Silent, Watch
from scaling_search.errors import require
from scaling_search.files import as_json, write_atomically
from scaling_search.jobs.environment import chosen_device, environment
from scaling_search.jobs.execute import Place
from scaling_search.jobs.executor import Inline, Workers, default_workers
from scaling_search.jobs.job import Result
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.on_ray import Found, OnRay, Where
from scaling_search.jobs.peers import peers
from scaling_search.jobs.retry import Circumstances, circumstances
from scaling_search.jobs.together import WithPeers
from scaling_search.outcome import Outcome, report_of
from scaling_search.outlook import Work, after_state, comparison
from scaling_search.redrawing import Redrawing
from scaling_search.setting import Setting
from scaling_search.study import Study, to_toml


def run(
    study: Study,
    out: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    limit_seconds: float | None = None,
    ray: str | None = None,
    gpus_per_job: float | None = None,
    search_only: bool = False,
    retry_failed: bool = False,
    watch: Watch | None = None,
) -> Outcome:
    """Search, conclude, compare and report; whatever the ledger in `out` holds is not run again.

    `workers` processes train at a time (None: one a core; 0: in this process); a training longer
    than `limit_seconds` is recorded as timed out. `ray` trains on a Ray cluster instead, `workers`
    trainings at a time at most, each with `gpus_per_job` of a GPU: see `OnRay`. A training that
    failed is tried again once what it failed of has changed (limit, device, memory, code), and all
    of them with `retry_failed`. Raises UserError for a request that can't be met, before anything
    is trained.
    """
    rule = "a job's share of a GPU is given on a Ray cluster"
    require(ray is not None or gpus_per_job is None, rule, gpus_per_job, "add --ray ADDRESS")
    on_ray = None if ray is None else OnRay(ray, gpus_per_job)
    watch = watch or Silent()
    with driving(study, out, device, workers, limit_seconds, watch, on_ray, retry_failed) as drive:
        watch.say(f"the report is drawn at {out / 'report.html'}, and again as results come")
        return _run(_redrawing(drive, out), out, search_only)


@contextmanager
def driving(
    study: Study,
    out: Path,
    device: str,
    workers: int | None,
    limit_seconds: float | None,
    watch: Watch,
    on_ray: OnRay | None = None,
    retry_failed: bool = False,
) -> Iterator[Drive]:
    """What trains in a run directory: its images are checked, and its ledger is held till the end.

    Raises UserError as `run` does.
    """
    device = device if on_ray else chosen_device(device)
    require(workers is None or workers >= 0, "workers must be 0 or more", workers)
    where: Where = on_ray.tasks if on_ray else _on_this_machine
    company = peers()
    if company is not None:
        require(on_ray is None, "torchrun trains by itself, without --ray", "both")
        together = WithPeers(company, watch.event)
        together.check(study.recipe, device, workers, limit_seconds)
        where = together.tasks
    info = describe(study.data, report=watch.say)
    setting = Setting(study, info)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(out / "ledger.jsonl"))
        for note in [*ledger.notes, *info.notes, *_warnings(setting)]:
            watch.say(note)
        _write_inputs(setting, out)
        found = stack.enter_context(where(device, workers, out, limit_seconds))
        now = _circumstances(found, limit_seconds)
        _set_failures_aside(ledger, now, retry_failed, watch)
        drive = Drive(setting, ledger, *found, watch, now)
        if not (out / "environment.json").exists():
            drive.note_environment()
        yield drive


def _circumstances(found: Found, limit_seconds: float | None) -> Circumstances:
    named = found.environment["device"]
    at_once = int(found.environment["workers"])
    return circumstances(named, found.device, at_once, limit_seconds)


def _set_failures_aside(ledger: Ledger, now: Circumstances, all_: bool, watch: Watch) -> None:
    """Let those trainings be tried again whose failure may be over, and say so."""
    reasons: Counter[str] = Counter()

    def retried(result: Result, where: dict[str, str]) -> bool:
        reason = "asked for" if all_ else now.reason_to_retry(result, where)
        reasons[f"{result.kind}, {reason}"] += bool(reason)
        return bool(reason)

    if ledger.set_aside(retried):
        counted = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()) if count)
        watch.say(f"failed trainings are tried again where a run needs them: {counted}")


def _redrawing(drive: Drive, out: Path) -> Drive:
    """The drive whose run's report is drawn again as results come."""

    def draw() -> None:
        known = drive.setting.knowing(drive.ledger.timings())
        report_of(known, drive.ledger, out)

    return replace(drive, watch=Redrawing(drive.watch, draw))


def _run(drive: Drive, out: Path, search_only: bool) -> Outcome:
    search = None
    coefficients = drive.setting.study.compare.constants
    if coefficients is None:
        drive = drive.knowing(lambda setting: (setting.networks(), setting.costs))
        drive = drive.knowing(Setting.gate_jobs)
        later = Work() if search_only else comparison(drive.setting)
        _gate(drive, later)
        search = drive.search(later)
        coefficients = drive.setting.constants(search).coefficients
    if not search_only:
        drive = drive.knowing(partial(Setting.members, coefficients=coefficients))
        setting = drive.setting
        members = setting.members(coefficients)
        trainings = setting.trainings(members, drive.ledger.get)
        drive.finish("comparison", trainings.first(), Work())
        drive.finish("comparison, at each network's best rate", trainings.scored(), Work())
        drive.time(list(setting.line_up(members, search)))
    drive.watch.say("drawing the report")
    return report_of(drive.setting, drive.ledger, out)


def _gate(drive: Drive, afterwards: Work) -> None:
    """Train the base and each axis alone, and say what speaks against the proxy."""
    setting = drive.setting
    jobs = [job for each in setting.gate_jobs().values() for job in each]
    search = after_state(setting, setting.search(drive.ledger.get).state())
    drive.finish("the base and each axis alone", jobs, search + afterwards)
    for finding in setting.gate_findings(drive.ledger.get) or ():
        drive.watch.say(f"gate: {finding.sentence}")


def _warnings(setting: Setting) -> list[str]:
    base = setting.base
    if isinstance(base, Foreign):
        return [f"{base.function}: {base.code.words}"]
    warning = small_map_warning(base) if isinstance(base, Architecture) else None
    return [f"{warning}, or set fit_strides = true"] if warning else []


@contextmanager
def _on_this_machine(
    device: str, workers: int | None, out: Path, limit_seconds: float | None
) -> Iterator[Found]:
    workers = default_workers(device) if workers is None else workers
    place, found = Place(device, str(out / "checkpoints")), environment(device, workers)
    if workers == 0:
        yield Found(Inline(place), device, found)
        return
    with Workers(workers, place, out / "logs", limit_seconds) as pool:
        yield Found(pool, device, found)


def _write_inputs(setting: Setting, out: Path) -> None:
    write_atomically(out / "study.toml", to_toml(setting.study).encode())
    write_atomically(out / "data.json", as_json(asdict(setting.info)))
