"""The last few values that were made, by key."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """Keeps the values used last that weigh at most `most` together; by default each weighs 1.

    What failed to be made is not kept.

    Examples:
        >>> from scaling_search.data.lru_cache import LruCache
        >>> splits = LruCache[str, str](most=2)
        >>> for name in ("train", "validation", "test"):
        ...     _ = splits.get(name, lambda: f"images of {name}")
        >>> splits.get("train", lambda: "made anew"), splits.get("test", lambda: "made anew")
        ('made anew', 'images of test')
    """

    def __init__(self, most: int, weight: Callable[[Value], int] = lambda _: 1) -> None:
        self._most, self._weight = most, weight
        self._values: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of the key, made when it is not at hand."""
        value = self._values[key] if key in self._values else make()
        return self.put(key, value)

    def put(self, key: Key, value: Value) -> Value:
        """Keep this value as the one used last, and hand it back."""
        self._values.pop(key, None)
        self._values[key] = value
        while sum(map(self._weight, self._values.values())) > self._most:
            del self._values[next(iter(self._values))]
        return value

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
