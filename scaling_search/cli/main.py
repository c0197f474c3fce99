"""The program: its verbs, and how it ends.

0 done, 1 the work failed (or `doctor` found something), 2 the request was wrong, 75 the run was
asked to make room and wants to be started again, 130 Ctrl-C.
"""

from __future__ import annotations

import errno
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from scaling_search.cli.console import allow_any_encoding, errors
from scaling_search.cli.verbs import VerbGroup
from scaling_search.core.errors import LostPeerError, StoppedError, UserError
from scaling_search.jobs.preemption import PREEMPTION, REQUEUE
from scaling_search.jobs.torchrun_variables import started_by_torchrun

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk's, the quota's, a limit's
STOPPED = 130  # what a shell expects of a program that Ctrl-C ended

app = typer.Typer(
    cls=VerbGroup,
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


def main() -> NoReturn:
    """Run the program; whatever the user can mend is one line on standard error."""
    allow_any_encoding()
    with PREEMPTION.listening():
        _main()


def _main() -> NoReturn:
    try:
        status = _run()
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


def _run() -> int | None:
    if not started_by_torchrun():
        return _app()
    # Brings torch, which the version and a shell's completion do without.
    from scaling_search.jobs.torchrun_program import run_on_ranks

    return run_on_ranks(_app)


def _app() -> int | None:
    status: int | None = app(prog_name="scaling-search", standalone_mode=False)
    return status


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
