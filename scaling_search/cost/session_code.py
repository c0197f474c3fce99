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
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from scaling_search.cost.module_files import READING_CALLS
from scaling_search.cost.session_values import is_plain_value, plain_text, wrapped_functions

SESSION = "__main__"


@dataclass
class SessionCode:
    """What a function rests on, by name: the text of functions, the value of constants.

    `modules` are those that it or they name. What else they name (open files, objects with a
    state) can't be told apart and is in `unknown`.
    """

    texts: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    _objects: dict[int, Any] = field(default_factory=dict, repr=False)

    def add(self, name: str, value: Any) -> None:
        """Add what a name stands for, and all that it rests on in turn."""
        if isinstance(value, partial):
            self.add(f"{name} of", [value.args, value.keywords])
            self.add(name, value.func)
        elif isinstance(value, MethodType):
            self.add(name, value.__func__)
            self.add(f"{name}, bound to", value.__self__)
        elif isinstance(value, ModuleType):
            self.modules.add(value.__name__)
        elif isinstance(value, FunctionType | type):
            self._add_code(name, value)
        elif parts := wrapped_functions(value):
            for number, function in enumerate(parts):
                self.add(f"{name}, {number}", function)
        elif is_plain_value(value):
            self._put(name, plain_text(value))
        elif isinstance(value, BuiltinFunctionType):
            self._put(name, f"{value.__module__}.{value.__qualname__}")
        else:
            self._add_object(name, value)

    def _add_code(self, name: str, value: FunctionType | type) -> None:
        if isinstance(value, FunctionType):  # a decorator's wrapper says it is of here
            self.modules |= {value.__globals__.get("__name__", SESSION)} - {SESSION}
        if value.__module__ != SESSION:
            self.modules.add(value.__module__)
            if isinstance(value, FunctionType) and self._is_new(value):
                self._add_all(_held(name, value))
        elif self._is_new(value):  # a function may name itself
            self._put(name, _text(value))
            if READING_CALLS & set(_names_in(value)):
                self.unknown.add(name)
            self._add_all(_named(name, value))

    def _is_new(self, value: Any) -> bool:
        new = id(value) not in self._objects
        self._objects[id(value)] = value  # kept, or another could come to have its number
        return new

    def _put(self, name: str, text: str) -> None:
        """Note a text; things of one name, made by one function, are told apart by number."""
        number, free = 1, name
        while self.texts.get(free, text) != text:
            number += 1
            free = f"{name} {number}"
        self.texts[free] = text

    def _add_all(self, values: Iterator[tuple[str, Any]]) -> None:
        for name, value in values:
            self.add(name, value)

    def _add_object(self, name: str, value: Any) -> None:
        """An object of a class of the session's counts with the class and with what it holds."""
        kind = type(value)
        if kind.__module__ != SESSION or not hasattr(value, "__dict__"):
            self.modules.add(kind.__module__)
            self.unknown.add(name)
        elif self._is_new(value):
            self.add(kind.__qualname__, kind)
            for attribute, item in sorted(vars(value).items()):
                self.add(f"{name}.{attribute}", item)


def session_code(function: Callable[..., Any]) -> SessionCode:
    """What a function of the session rests on."""
    code = SessionCode()
    code.add(getattr(function, "__qualname__", "function"), function)
    return code


def _text(value: FunctionType | type) -> str:
    """The source of a function, or of a class's own functions and constants."""
    if isinstance(value, FunctionType):
        try:
            return inspect.getsource(value.__code__)
        except (OSError, TypeError):  # typed in, or read from standard input
            return "\n".join(_instructions(value.__code__))
    members = [
        _text(item) if isinstance(item, FunctionType) else f"{name} = {item!r}"
        for name, item in sorted(vars(value).items())
        if isinstance(item, FunctionType) or (is_plain_value(item) and not name.startswith("__"))
    ]
    bases = ", ".join(f"{base.__module__}.{base.__qualname__}" for base in value.__bases__)
    return "\n".join([f"class ({bases})", *members])


def _instructions(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
        else:
            yield repr(constant)


def _named(name: str, value: FunctionType | type) -> Iterator[tuple[str, Any]]:
    """Everything outside of it that a function or a class names, where it is there by now."""
    if isinstance(value, type):
        for base in value.__bases__:
            yield base.__qualname__, base
        for attribute, item in sorted(vars(value).items()):
            if isinstance(item, FunctionType):  # its text is in that of the class
                yield from _named(f"{name}.{attribute}", item)
            elif not _is_of_python(attribute, item):
                yield f"{name}.{attribute}", item
        return
    for other in _names(value.__code__):
        if other in value.__globals__:
            yield other, value.__globals__[other]
    yield from _held(name, value)


def _held(name: str, function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The values that a function closes over, has as defaults or as attributes, and wraps."""
    cells = function.__closure__ or ()
    for attribute, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # nothing is in it yet
            yield f"{name}.{attribute}", cell.cell_contents
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for number, item in enumerate(defaults):
        yield f"{name}, default {number}", item
    for attribute, item in sorted(vars(function).items()):
        yield f"{name}, {'wrapped' if attribute == '__wrapped__' else attribute}", item


def _names_in(value: FunctionType | type) -> Iterator[str]:
    functions = [value] if isinstance(value, FunctionType) else vars(value).values()
    for function in functions:
        if isinstance(function, FunctionType):
            yield from _names(function.__code__)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_of_python(name: str, item: Any) -> bool:
    """Whether a class has this of Python, or its text has it already."""
    if wrapped_functions(item):
        return False
    slot = inspect.isgetsetdescriptor(item) or inspect.ismemberdescriptor(item)
    return slot or is_plain_value(item) or name.startswith("__") or name == "_abc_impl"
