"""The ways of growing that a comparison knows: their names, their words and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Method = str
"""How a network of the comparison was grown: one of `WORDS`, or the name of a user's constants."""

BASE: Method = "base"
COMPOUND: Method = "compound"
WORDS: Mapping[Method, str] = {
    BASE: "the base network",
    COMPOUND: "compound scaling",
    "depth": "depth alone",
    "width": "width alone",
    "resolution": "resolution alone",
    "paper": "the paper's constants",
    "fast": "fast scaling",
    "official": "the official networks",
}


def in_words(method: Method) -> str:
    """The method as a sentence names it.

    Examples:
        >>> from scaling_search.compare.methods import in_words
        >>> in_words("depth"), in_words("compound"), in_words("mine")
        ('depth alone', 'compound scaling', 'the constants “mine”')
    """
    return WORDS.get(method, f"the constants “{method}”")


def in_order(methods: Iterable[Method]) -> list[Method]:
    """Each of these methods once, in the order of `WORDS`, then the user's own as they come.

    Examples:
        >>> from scaling_search.compare.methods import in_order
        >>> in_order(["mine", "width", "compound", "base", "width"])
        ['base', 'compound', 'width', 'mine']
    """
    present = list(dict.fromkeys(methods))
    return [m for m in WORDS if m in present] + [m for m in present if m not in WORDS]


def listed(words: list[str]) -> str:
    """The words as a sentence lists them: "a, b and c".

    Examples:
        >>> from scaling_search.compare.methods import listed
        >>> listed(["depth", "width", "resolution"])
        'depth, width and resolution'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
