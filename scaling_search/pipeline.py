"""Study → ledger → report, the whole way."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import small_map_warning
from scaling_search.compare.frames import comparison_jobs
from scaling_search.data.load import describe
from scaling_search.drive import Drive, Silent, Watch
from scaling_search.errors import UserError
from scaling_search.files import as_json, write_atomically
from scaling_search.jobs.environment import chosen_device, environment
from scaling_search.jobs.execute import Place
from scaling_search.jobs.executor import Executor, Inline, Workers, default_workers
from scaling_search.jobs.ledger import Ledger
from scaling_search.outcome import Outcome, report_of
from scaling_search.outlook import Work, comparison
from scaling_search.setting import Setting
from scaling_search.study import Study, to_toml


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
        place = Place(device, str(out / "checkpoints"))
        executor = _executor(stack, place, workers, out, limit_seconds)
        found = environment(device, workers)
        drive = Drive(setting, ledger, executor, device, found, watch)
        if not (out / "environment.json").exists():
            drive.note_environment()
        return _run(drive, out, search_only)


def _run(drive: Drive, out: Path, search_only: bool) -> Outcome:
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
    return report_of(setting, drive.ledger, out)


def _warnings(setting: Setting) -> list[str]:
    warning = small_map_warning(setting.base) if isinstance(setting.base, Architecture) else None
    return [f"{warning}, or set fit_strides = true"] if warning else []


def _executor(
    stack: ExitStack, place: Place, workers: int, out: Path, limit_seconds: float | None
) -> Executor:
    if workers == 0:
        return Inline(place)
    return stack.enter_context(Workers(workers, place, out / "logs", limit_seconds))


def _write_inputs(setting: Setting, out: Path) -> None:
    write_atomically(out / "study.toml", to_toml(setting.study).encode())
    write_atomically(out / "data.json", as_json(asdict(setting.info)))
