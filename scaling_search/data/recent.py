"""The last few values that were made, by key."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps the `size` values used last. What failed to be made is not kept."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of the key, made when it is not at hand."""
        found = self._values[key] if key in self._values else make()
        return self.put(key, found)

    def put(self, key: Key, value: Value) -> Value:
        """Keep this value as the one used last, and hand it back."""
        self._values.pop(key, None)
        self._values[key] = value
        while len(self._values) > self._size:
            del self._values[next(iter(self._values))]
        return value

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
