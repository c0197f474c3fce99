"""The φ of a law's sizes, under a name: from a quarter of the base's cost to four times it."""

from __future__ import annotations

from scaling_search.core.errors import UserError

LAW = "law"
"""What stands for `LAW_PHIS` in a study's `compare.phis` and after `--phis`."""
LAW_PHIS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


def expanded_phis(given: object, source: str) -> object:
    """What a file says of its φ, with the word `law` replaced by its sizes.

    Anything but a text comes back as it is. Raises UserError naming `source` for another word.

    Examples:
        >>> from scaling_search.compare.law_phis import expanded_phis
        >>> expanded_phis("law", "study.toml")[:3], expanded_phis([0, 1], "study.toml")
        ((-2.0, -1.5, -1.0), [0, 1])
    """
    if not isinstance(given, str):
        return given
    if given != LAW:
        raise UserError(f"{source}: {_RULE}, got {given!r}: try compare.phis = [0, 1, 2]")
    return LAW_PHIS


def read_phis(text: str) -> tuple[float, ...]:
    """The φ of a text such as "-1,0,1", or of the word `law`; raises UserError.

    Examples:
        >>> from scaling_search.compare.law_phis import read_phis
        >>> read_phis("-0.5,0,1"), len(read_phis("law"))
        ((-0.5, 0.0, 1.0), 9)
    """
    if text == LAW:
        return LAW_PHIS
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise UserError(f"{_RULE}, got {text!r}: try --phis=-1,0,1") from None


_RULE = f"φ are numbers, or the word {LAW!r} for {', '.join(f'{phi:g}' for phi in LAW_PHIS)}"
