"""The methods' colours on a dark page; on a light one they are those of every figure."""

from __future__ import annotations

GROUND = {"light": "#ffffff", "dark": "#15181c"}
INK = {"light": "#1b1b1b", "dark": "#e8e8e6"}
"""The grounds and inks of the page; markers are outlined in ink, so that each is seen."""

# Too dark for a dark ground: exchanged for colours that are seen there (3 to 1, WCAG 2.2, 1.4.11)
# and told from all others with any colour vision; tests hold both.
_EXCHANGED = {
    "#000000": "#f0f0f0",
    "#882255": "#dd0044",
    "#00441B": "#eeccaa",
    "#330099": "#9988ff",
}


def on_dark(colour: str) -> str:
    """The colour that stands for this one on the dark page.

    Examples:
        >>> from scaling_search.report.page_colours import on_dark
        >>> on_dark("#000000"), on_dark("#D55E00")
        ('#f0f0f0', '#D55E00')
    """
    return _EXCHANGED.get(colour, colour)
