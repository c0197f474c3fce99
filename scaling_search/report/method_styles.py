"""How each method looks in every figure: a colour, a marker and a dash of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from scaling_search.compare.methods import BASE, Method, in_order, in_words
from scaling_search.core import plotting

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

Dash = Any
"""As matplotlib takes it: a word, or an offset and lengths."""


@dataclass(frozen=True)
class MethodStyle:
    """A method's colour, marker and dash; each tells it apart where the others can't be seen."""

    colour: str
    marker: str
    dash: Dash


# Okabe and Ito's palette and Tol's: any two are told apart with any colour vision (a test simulates
# three), and markers and dashes repeat the distinction for print in black and white.
LOOKS: Mapping[Method, MethodStyle] = {
    BASE: MethodStyle("#000000", "P", (0, (1, 1))),
    "compound": MethodStyle("#D55E00", "o", "solid"),
    "depth": MethodStyle("#0072B2", "s", (0, (5, 2))),
    "width": MethodStyle("#009E73", "^", (0, (3, 1, 1, 1))),
    "resolution": MethodStyle("#CC79A7", "D", (0, (7, 2, 2, 2))),
    "paper": MethodStyle("#E69F00", "v", (0, (10, 2))),
    "fast": MethodStyle("#88CCEE", "<", (0, (2, 2))),
    "official": MethodStyle("#882255", "X", (0, (6, 1, 1, 1, 1, 1))),
}
# Constants of the user's own take these in turn, and begin again where they are more.
OWN_LOOKS = (
    MethodStyle("#9933FF", ">", (0, (8, 2, 1, 2))),
    MethodStyle("#00441B", "p", (0, (4, 4))),
    MethodStyle("#99CC66", "h", (0, (3, 3, 1, 3))),
    MethodStyle("#330099", "*", (0, (12, 2, 3, 2))),
)


def looks_of(methods: Iterable[Method]) -> dict[Method, MethodStyle]:
    """The look of each of these methods, in the order of a legend.

    The user's own are told apart by their order; the same methods look the same in every figure.

    Examples:
        >>> from scaling_search.report.method_styles import looks_of
        >>> looks = looks_of(["width", "compound", "mine"])
        >>> list(looks), looks["compound"].colour != looks["width"].colour
        (['compound', 'width', 'mine'], True)
    """
    user_looks = cycle(OWN_LOOKS)
    return {
        method: LOOKS.get(method) or next(user_looks)
        for method in in_order(sorted({*methods}, key=str))
    }


def method_keys(looks: Mapping[Method, MethodStyle]) -> list[Line2D]:
    """The legend's keys of these methods."""
    return [
        plotting.Line2D(
            [],
            [],
            color=look.colour,
            linestyle="" if method == BASE else look.dash,
            marker=look.marker,
            linewidth=1.6,
            label=in_words(method),
        )
        for method, look in looks.items()
    ]
