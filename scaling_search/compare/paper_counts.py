"""Our count of the networks that the paper scales, beside what it prints (its Tables 3 and 7)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from scaling_search.arch import zoo
from scaling_search.arch.paper import Published, published_networks
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.cost.analytic import count

BASES = {
    "mobilenet_v1": "mobilenet-v1",
    "mobilenet_v2": "mobilenet-v2",
    "resnet50": "resnet-50",
    "efficientnet_b0": "efficientnet-b0",
}
PAPER_COLUMNS = (
    *("table", "base", "model", "depth ×", "width ×", "resolution ×"),
    *("printed", "counted", "off", "why"),
)
HALF_DIGIT_G = 0.05  # both tables print one digit behind the point
UNEXPLAINED = "not explained: these are the official rounding rules, and the compound row agrees"
# Why a count differs from the print; each was computed, none is known from the authors.
REASONS = {
    ("T3", "mobilenet_v1", "r2"): "printed as if cut off, not rounded",
    ("T3", "mobilenet_v1", "compound"): (
        "repeats rounded up in each of our five stages, strided blocks included; 2.33 if strided "
        "blocks stay single"
    ),
    ("T3", "resnet50", "d4"): "fits the row w2 (14.7): the two seem exchanged",
    ("T3", "resnet50", "w2"): "fits the row d4 (16.2): the two seem exchanged",
    ("T7", "efficientnet_b0", "d4"): UNEXPLAINED,
    ("T7", "efficientnet_b0", "w2"): UNEXPLAINED,
    ("T7", "efficientnet_b0", "r2"): UNEXPLAINED,
}


@dataclass(frozen=True)
class PaperCount:
    """A printed row and our count of the same network, in thousands of millions of MACs.

    `counted_g` is None where the source prints no multipliers.
    """

    row: Published
    printed_g: float
    counted_g: float | None

    @property
    def agrees(self) -> bool | None:
        """Whether both are the same to the printed digit; None where nothing can be counted."""
        if self.counted_g is None:
            return None
        return round(abs(self.counted_g - self.printed_g), 9) <= HALF_DIGIT_G

    @property
    def reason(self) -> str:
        """Why they differ; empty where they don't."""
        if self.counted_g is None:
            return "no multipliers printed"
        return "" if self.agrees else REASONS[self.row.source, self.row.base, self.row.model]


def checks() -> tuple[PaperCount, ...]:
    """Every row of Tables 3 and 7, in their order.

    Examples:
        >>> from scaling_search.compare.paper_counts import checks
        >>> resnet = {each.row.model: each for each in checks() if each.row.base == "resnet50"}
        >>> resnet["w2"].printed_g, round(resnet["w2"].counted_g, 1), resnet["w2"].reason
        (14.7, 16.1, 'fits the row d4 (16.2): the two seem exchanged')
    """
    return tuple(
        PaperCount(row, row.macs_g, _counted_g(row))
        for row in published_networks()
        if row.source in ("T3", "T7") and row.macs_g is not None
    )


def markdown() -> str:
    """The checks as the page `results/published/scaled.md`."""
    lines = [
        "# The paper's scaled networks, counted",
        "",
        "Written by `python -m scaling_search.compare.paper_counts`; a test keeps it so. MACs in "
        "G; our networks are the base of `arch/zoo.py` through `scale()`.",
        "",
        f"| {' | '.join(PAPER_COLUMNS)} |",
        "|---" * len(PAPER_COLUMNS) + "|",
    ]
    return "\n".join([*lines, *map(_line, checks())]) + "\n"


def _counted_g(row: Published) -> float | None:
    if row.depth is None or row.width is None or row.resolution_factor is None:
        return None
    multipliers = Multipliers(row.depth, row.width, row.resolution_factor)
    return count(scale(zoo.get(BASES[row.base]), multipliers)).macs / 1e9


def _line(check: PaperCount) -> str:
    row = check.row
    factors = (row.depth, row.width, row.resolution_factor)
    multipliers = ["–" if value is None else f"{value:g}" for value in factors]
    counted, off = "–", "–"
    if check.counted_g is not None:
        counted = f"{check.counted_g:.3f}"
        off = (
            "agrees" if check.agrees else f"{100 * (check.counted_g / check.printed_g - 1):+.1f} %"
        )
    cells = [row.source, BASES[row.base], row.model, *multipliers, f"{check.printed_g:g}"]
    return f"| {' | '.join([*cells, counted, off, check.reason])} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
