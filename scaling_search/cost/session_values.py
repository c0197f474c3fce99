"""Values of a session: which of them are known by what they print, and functions within others."""

from __future__ import annotations

from enum import Enum
from functools import cached_property, partialmethod, singledispatchmethod
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

import torch

PLAIN_TYPES = (int, float, complex, str, bytes, bool, type(None), range, PurePath)
PLAIN_OF_TORCH = (torch.dtype, torch.device, torch.Size, torch.memory_format)


def is_plain_value(value: Any) -> bool:
    """Whether a value is all that it prints: numbers, text, and collections of such."""
    if isinstance(value, dict | MappingProxyType):
        return all(is_plain_value(item) for pair in value.items() for item in pair)
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(is_plain_value, value))
    if isinstance(value, Enum):
        return is_plain_value(value.value)
    return isinstance(value, PLAIN_TYPES + PLAIN_OF_TORCH)


def plain_text(value: Any) -> str:
    """A plain value as text that is the same in every process: a set has no order of its own."""
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(plain_text, value)))}}}"
    if isinstance(value, dict | MappingProxyType):
        return f"{{{', '.join(f'{plain_text(k)}: {plain_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(plain_text, value))}]"
    if type(value) is tuple:
        inner = ", ".join(map(plain_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def wrapped_functions(value: Any) -> list[Any]:
    """The functions in what wraps them within a class: property, classmethod and their like."""
    functions: list[Any]
    match value:
        case property():
            functions = [value.fget, value.fset, value.fdel]
        case staticmethod() | classmethod():
            functions = [value.__func__]
        case cached_property() | partialmethod():
            functions = [value.func]
            if isinstance(value, partialmethod):
                functions += [[value.args, value.keywords]]
        case singledispatchmethod():
            functions = list(value.dispatcher.registry.values())
        case _:
            functions = [getattr(value, "__wrapped__", None)]  # functools.lru_cache and its like
    return [function for function in functions if function is not None]
