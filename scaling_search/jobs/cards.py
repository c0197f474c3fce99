"""Which GPUs a run may use, by their entries of CUDA_VISIBLE_DEVICES.

A worker is given one card by that variable, and knows it as cuda:0. What the entry is (a number, a
UUID or its beginning, a slice of a card) is the parent's own affair and is handed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from scaling_search.core.errors import UserError, require

GPU = "gpu"  # a record's entry: which card trained
VISIBLE = "CUDA_VISIBLE_DEVICES"
_NONE = ("", "-1")  # CUDA takes no entry from one of these on
_UUID = re.compile(r"(GPU|MIG)-.+")


@dataclass(frozen=True)
class GpuCard:
    """A GPU by its entry, and its place among the visible ones: `cuda:N` of this process.

    An empty entry is whatever device a process has without being given one.
    """

    entry: str = ""
    position: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with that shall see this card alone."""
        return {VISIBLE: self.entry} if self.entry else {}

    @property
    def device(self) -> str:
        """torch's name of it in this process."""
        return f"cuda:{self.position}"

    @property
    def is_slice(self) -> bool:
        """Whether it is a part of a card, which CUDA calls a multi-instance GPU."""
        return self.entry.startswith("MIG-")

    def where(self, process_where: Mapping[str, str]) -> dict[str, str]:
        """A record's `where` on this card, from what the process there said: entry and UUID."""
        uuid = process_where.get(GPU, "")
        words = f"{self.entry} ({uuid})" if self.entry.isdecimal() and uuid else self.entry or uuid
        return {**process_where, GPU: words} if words else dict(process_where)


THIS_DEVICE = GpuCard()


def visible_cards(variable: str | None, count: int) -> tuple[GpuCard, ...]:
    """The cards of CUDA_VISIBLE_DEVICES (None: it is not set), of which CUDA counts `count`.

    CUDA counts one slice at a time, however many are listed: of those, all entries are cards.

    Examples:
        >>> from scaling_search.jobs.cards import visible_cards
        >>> [card.entry for card in visible_cards("2,5", count=2)]
        ['2', '5']
    """
    if variable is None:
        return tuple(GpuCard(str(number), number) for number in range(count))
    listed = (entry.strip() for entry in variable.split(","))
    entries = list(takewhile(lambda entry: entry not in _NONE, listed))
    cards = tuple(GpuCard(entry, number) for number, entry in enumerate(entries))
    return cards if cards and cards[0].is_slice else cards[:count]


def cards_asked_for(
    request: str | None, visible: Sequence[GpuCard], uuid_of: Callable[[GpuCard], str]
) -> tuple[GpuCard, ...]:
    """The cards of --gpus: all (None), the first so many ("4"), or a list ("0,2,5", "GPU-8f,…").

    A number of a list counts the visible cards from 0, as `cuda:N` does; "5," is a list of one.
    Raises UserError for none, more than there are, twice the same, and what isn't there.

    Examples:
        >>> from scaling_search.jobs.cards import cards_asked_for, visible_cards
        >>> visible = visible_cards(None, count=4)
        >>> [card.position for card in cards_asked_for("0,2", visible, uuid_of=lambda card: "")]
        [0, 2]
    """
    require(len(visible) > 0, "--gpus needs a GPU that torch can use", 0, "leave --gpus out")
    if request is None:
        return tuple(visible)
    if request.isdecimal():
        rule = f"--gpus must be 1 to {len(visible)}, the visible GPUs"
        require(
            1 <= int(request) <= len(visible), rule, request, "one by its number: --device cuda:N"
        )
        return tuple(visible[: int(request)])
    names = [name.strip() for name in request.removesuffix(",").split(",")]
    chosen = tuple(_named(name, visible, uuid_of) for name in names)
    require(len(set(chosen)) == len(chosen), "--gpus must name each GPU once", request)
    # CUDA counts one slice at a time, so this process reaches the first one alone.
    reached = not chosen[0].is_slice or chosen[0].position == 0
    hint = f"set {VISIBLE} to those that you want"
    require(reached, "--gpus must begin with the first visible slice of a card", request, hint)
    return chosen


def _named(name: str, visible: Sequence[GpuCard], uuid_of: Callable[[GpuCard], str]) -> GpuCard:
    if name.isdecimal() and int(name) < len(visible):
        return visible[int(name)]
    if _UUID.fullmatch(name):
        matches = list(_of_uuid(name, visible, uuid_of))
        if len(matches) == 1:
            return matches[0]
    listing = ", ".join(f"{card.position} ({card.entry})" for card in visible)
    raise UserError(
        f"--gpus must be a count, or a list of numbers or UUIDs of the visible GPUs, got {name!r} "
        f"beside {listing}"
    )


def _of_uuid(
    name: str, visible: Sequence[GpuCard], uuid_of: Callable[[GpuCard], str]
) -> Iterator[GpuCard]:
    """The cards whose UUID begins like this; only those that are listed by number are asked."""
    for card in visible:
        uuid = uuid_of(card) if card.entry.isdecimal() else card.entry
        if uuid.startswith(name) or name.startswith(uuid):
            yield card
