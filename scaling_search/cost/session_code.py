"""The code of a function that no file holds alone: of a notebook's cells, or of a script's own.

A script that builds its study beside its network would otherwise count every edit of the study as
one of the network. So what the function names is followed, value by value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

SESSION = "__main__"
PLAIN_TYPES = (int, float, complex, str, bytes, bool, type(None))


@dataclass
class SessionCode:
    """What a function rests on, by name: the text of functions, the value of constants.

    `modules` are those that it or they name. What else they name (open files, objects with a
    state) can't be told apart and is in `unknown`.
    """

    texts: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def add(self, name: str, value: Any) -> None:
        """Add what a name stands for, and all that it rests on in turn."""
        if isinstance(value, partial):
            self.add(f"{name} of", [value.args, value.keywords])
            self.add(name, value.func)
        elif isinstance(value, ModuleType):
            self.modules.add(value.__name__)
        elif isinstance(value, FunctionType | type):
            self._add_code(name, value)
        elif _is_plain(value):
            self.texts[name] = repr(value)
        elif owner := getattr(type(value), "__module__", None):
            self.modules.add(owner)
            self.unknown.add(name)

    def _add_code(self, name: str, value: FunctionType | type) -> None:
        if value.__module__ != SESSION:
            self.modules.add(value.__module__)
        elif name not in self.texts:
            self.texts[name] = ""  # a function may name itself
            self.texts[name] = _text(value)
            for named, found in _named(value):
                self.add(named, found)


def session_code(function: Callable[..., Any]) -> SessionCode:
    """What a function of the session rests on."""
    code = SessionCode()
    code.add(getattr(function, "__qualname__", "function"), inspect.unwrap(function))
    return code


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN_TYPES)


def _text(value: FunctionType | type) -> str:
    """The source of a function, or of a class's own functions and constants."""
    if isinstance(value, FunctionType):
        try:
            return inspect.getsource(value)
        except (OSError, TypeError):  # typed in, or read from standard input
            return "\n".join(_instructions(value.__code__))
    own = [
        _text(item) if isinstance(item, FunctionType) else f"{name} = {item!r}"
        for name, item in sorted(vars(value).items())
        if isinstance(item, FunctionType) or (_is_plain(item) and not name.startswith("__"))
    ]
    bases = ", ".join(f"{base.__module__}.{base.__qualname__}" for base in value.__bases__)
    return "\n".join([f"class ({bases})", *own])


def _instructions(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
        else:
            yield repr(constant)


def _named(value: FunctionType | type) -> Iterator[tuple[str, Any]]:
    """Everything outside of it that a function or a class names, where it is there by now."""
    if isinstance(value, type):
        for base in value.__bases__:
            yield base.__qualname__, base
        for item in vars(value).values():
            function = getattr(item, "__func__", item)
            function = getattr(function, "fget", function)
            if isinstance(function, FunctionType):
                yield from _named(function)
        return
    function = value
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # nothing is in it yet
            yield f"{function.__qualname__}.{name}", cell.cell_contents
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for number, item in enumerate(defaults):
        yield f"{function.__qualname__}, default {number}", item
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield f"{function.__qualname__}, wrapped", wrapped


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
