"""What makes two values the same piece of work."""

from __future__ import annotations

from dataclasses import dataclass, field

from scaling_search.core.hashing import canonical, digest


@dataclass(frozen=True)
class Before:
    """A value as an old ledger knew it."""

    side: float
    parts: tuple[int, ...] = ()
    name: str = field(default="", compare=False)


@dataclass(frozen=True)
class After:
    """The same value after a field was added."""

    side: float
    parts: tuple[int, ...] = ()
    name: str = field(default="", compare=False)
    twist: float = 0.0
    extras: list[int] = field(default_factory=list)


def test_a_field_added_with_a_default_changes_no_digest() -> None:
    assert digest(Before(2, (1, 2))) == digest(After(2, (1, 2)))


def test_a_field_that_differs_from_its_default_counts() -> None:
    assert digest(After(2, twist=0.5)) != digest(After(2))
    assert digest(After(2, extras=[1])) != digest(After(2))


def test_names_do_not_count_and_whole_numbers_equal_floats() -> None:
    assert digest(Before(2, name="a")) == digest(Before(2.0, name="b"))
    assert canonical(Before(2, (1,), "a")) == {"side": 2.0, "parts": [1.0]}


def test_true_is_not_one() -> None:
    assert digest({"a": True}) != digest({"a": 1})


def test_a_digest_is_the_same_in_every_process() -> None:
    assert digest({"b": 1, "a": [2.5, "x", None]}) == "add9beb6424dbe0b"
