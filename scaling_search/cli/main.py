"""The program: its verbs, and how it ends.

0 done, 1 the work failed (or `doctor` found something), 2 the request was wrong, 75 the run was
asked to make room and wants to be started again, 130 Ctrl-C.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from scaling_search.cli import (
    count,
    doctor,
    evaluate,
    export,
    fidelity,
    figure,
    inspect,
    law,
    measure,
    plan,
    presets,
    recommend,
    run,
    star,
    train,
)
from scaling_search.cli.output import allow_any_encoding, errors
from scaling_search.core.errors import UserError
from scaling_search.jobs.preemption import PREEMPTION, REQUEUE
from scaling_search.jobs.torchrun import LostPeerError
from scaling_search.jobs.torchrun_program import run_on_ranks
from scaling_search.training.stopping import StoppedError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk's, the quota's, a limit's
STOPPED = 130  # what a shell expects of a program that Ctrl-C ended

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"scaling-search {version('scaling-search')}")
        raise typer.Exit


@app.callback()
def root_command(
    version_wanted: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    """Find how depth, width and resolution of a network should grow together on your images."""


VERBS: dict[str, Callable[..., None]] = {
    "run": run.run_command,
    "plan": plan.plan_command,
    "search": run.search_command,
    "compare": run.compare_command,
    "train": train.train_command,
    "report": run.report_command,
    "figure": figure.figure_command,
    "watch": figure.watch_command,
    "doctor": doctor.doctor_command,
    "export": export.export_command,
    "predict": export.predict_command,
    "law": law.law_command,
    "star": star.star_command,
    "recommend": recommend.recommend_command,
    "evaluate": evaluate.evaluate_command,
    "export-optuna": export.export_optuna_command,
    "family": inspect.family_command,
    "count": count.count_command,
    "latency": measure.latency_command,
    "presets": presets.presets_command,
    "init": presets.init_command,
    "networks": inspect.networks_command,
    "datasets": inspect.datasets_command,
    "fidelity": fidelity.fidelity_command,
}
for verb, command in VERBS.items():
    app.command(verb)(command)


def main() -> NoReturn:
    """Run the program; whatever the user can mend is one line on standard error."""
    allow_any_encoding()
    with PREEMPTION.listening():
        _main()


def _main() -> NoReturn:
    try:
        status = run_on_ranks(lambda: app(prog_name="scaling-search", standalone_mode=False))
    except UserError as error:
        _fail(str(error), 2)
    except typer.TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, StoppedError, typer.Abort):
        status = STOPPED
    except LostPeerError as error:
        _fail(f"{error}; the same command goes on from the last checkpoint", 1)
    except OSError as error:
        _fail(os_error_line(error), 1)
    if PREEMPTION.requested:
        _fail("asked to make room; the same command goes on from here", REQUEUE)
    if status == STOPPED:
        _fail("stopped; the same command goes on from here", STOPPED)
    sys.exit(status or 0)


def os_error_line(error: OSError) -> str:
    """What the system refused; of room also what is kept and how to go on."""
    line = f"{error.strerror or error}: {error.filename or 'is the disk full?'}"
    if error.errno not in NO_ROOM:
        return line
    return f"{line}; every result so far is kept: make room, and the same command goes on from here"


def _fail(text: str, status: int) -> NoReturn:
    errors.print(text, soft_wrap=True, markup=False, highlight=False)
    sys.exit(status)


if __name__ == "__main__":
    main()
