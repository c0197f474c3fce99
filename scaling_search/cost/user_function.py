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
        message = what_failed(error)
        lacking = _library(error, module)
        mend = f"install {lacking}, which it imports" if lacking else _mend(module, message)
        raise UserError(f"{rule}, got {path!r} ({message}): {mend}") from error
    except SystemExit as error:
        mend = 'put what reads a command line or ends a program below if __name__ == "__main__":'
        rule = f"{module} must be importable, got {what_failed(error)}"
        raise UserError(f"{rule}: {mend}") from error
    except Exception as error:
        raise UserError(f"{module} must be importable, got {what_failed(error)}") from error
    require(callable(function), rule, path)
    made: Function = function
    return made


def name_of_function(function: Callable[..., Any]) -> str:
    """The "module:name" under which every process finds a function; raises UserError for none.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.user_function import name_of_function
        >>> name_of_function(zoo.get)
        'scaling_search.arch.zoo:get'
    """
    module, name = (getattr(function, key, "") for key in ("__module__", "__qualname__"))
    try:
        is_there = attrgetter(name)(sys.modules[module]) is function
    except (KeyError, AttributeError, TypeError):
        is_there = False
    rule = "a network function is one that its module holds under its name"
    require(is_there, rule, function, "write it as a function (def) outside of others")
    return f"{module}:{name}"


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
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _library(error: Exception, module: str) -> str:
    """The library that a module needs and Python lacks; empty where the module itself lacks."""
    absent = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    top = absent.partition(".")[0]
    return "" if top in ("", module.partition(".")[0]) or "/" in module else top


def _mend(module: str, message: str) -> str:
    """The way out where a module is not found as it was named."""
    if module == "__main__":  # a notebook's or a script's own, which no worker can import
        return "train where it is known, with workers=0, or write it into a module"
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        return f"separate packages by dots, as in {dotted}:function"
    if "relative import" in message:
        return f"name it with its package, as in package.{module}:function, from the folder above"
    return "run from the folder that holds it, or add that to PYTHONPATH"


def _search_working_directory() -> None:
    folder = os.getcwd()  # noqa: PTH109 (an entry of sys.path is text)
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)  # last: a queue.py there must not stand in for Python's own
    importlib.invalidate_caches()  # a module that was written a moment ago


@contextmanager
def _apart() -> Iterator[None]:
    """Within, what is printed goes to standard error: standard output is for results.

    And the command line is not ours: a module that reads one as it is imported finds no arguments.
    """
    ours = sys.argv
    sys.argv = ours[:1]
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = ours
