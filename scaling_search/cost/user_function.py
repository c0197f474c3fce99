"""The user's function: found by its name, called, and whatever it raises told in one line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from operator import attrgetter
from typing import Any

from torch import nn

from scaling_search.arch.scaling import Multipliers
from scaling_search.core.errors import UserError, require

Function = Callable[[Multipliers], nn.Module]


def load_function(path: str) -> Function:
    """The function that "module:name" names; raises UserError when there is none.

    Modules in the working directory are found too, after all others.
    """
    module, _, name = path.partition(":")
    rule = "a network function is named module:function, in a module that Python finds"
    if module not in sys.modules:
        _search_working_directory()
    try:
        with _apart():
            function = attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        mend = "run from the folder that holds it, or add that to PYTHONPATH"
        if module == "__main__":  # a notebook's or a script's own, which no worker can import
            mend = "train where it is known, with workers=0, or write it into a module"
        raise UserError(f"{rule}, got {path!r} ({what_failed(error)}): {mend}") from error
    except (Exception, SystemExit) as error:
        raise UserError(f"{module} must be importable, got {what_failed(error)}") from error
    require(callable(function), rule, path)
    made: Function = function
    return made


def make_network(path: str, multipliers: Multipliers) -> nn.Module:
    """What the function makes; raises UserError when it fails, or makes something else."""
    function = load_function(path)
    try:
        with _apart():
            made: Any = function(multipliers)
    except (Exception, SystemExit) as error:
        rule = f"{path} must make a network for {multipliers}"
        raise UserError(f"{rule}, got {what_failed(error)}") from error
    require(isinstance(made, nn.Module), f"{path} must return a torch module", type(made))
    module: nn.Module = made
    return module


def what_failed(error: BaseException) -> str:
    """An error's kind and what it says, in one line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _search_working_directory() -> None:
    here = os.getcwd()  # noqa: PTH109 (an entry of sys.path is text)
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last: a queue.py there must not stand in for Python's own
    importlib.invalidate_caches()  # a module that was written a moment ago


@contextmanager
def _apart() -> Iterator[None]:
    """Within, what is printed goes to standard error: standard output is for results."""
    with redirect_stdout(sys.stderr):
        yield
