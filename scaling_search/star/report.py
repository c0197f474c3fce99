"""A star as tables, in sentences and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from scaling_search.arch.scaling import AxisName, Coefficients
from scaling_search.compare.gains import Row
from scaling_search.core import plotting
from scaling_search.law.intervals import Range
from scaling_search.report.cells import Cells, Table, as_float, number_cell, p_text, shown_text
from scaling_search.report.figure_style import Picture, picture
from scaling_search.star.findings import CONSTANTS, DimensionExponent, StarFindings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIGNIFICANT = 0.05
_SIZES = {"depth": "blocks", "width": "sum of squared channels", "resolution": "side (px)"}
_LETTERS = {"alpha": "α", "beta": "β", "gamma": "γ"}
_SCORES = {"loss": "validation cross-entropy (nats)", "error": "validation error (%)"}


def exponents_table(findings: StarFindings) -> Table:
    """One row a dimension: its exponent, its share of the growth, its constant."""
    numbers = pd.DataFrame([_columns(findings, each) for each in findings.dimensions])
    return Table("star", numbers, shown_text(numbers, _cells(findings.origin)))


def points_table(findings: StarFindings) -> Table:
    """One row a network and length: what was reached, and what the surface says there."""
    frame = findings.points.frame.drop(columns="network_id")
    frame = frame.assign(fitted=0.0)
    for axis, scores in findings.fitted.items():
        frame.loc[frame["axis"] == axis, "fitted"] = scores
    return Table("star_points", frame, shown_text(frame, _POINT_CELLS))


def star_sentences(findings: StarFindings) -> tuple[str, ...]:
    """What the points leave open, what follows for the constants, and whether the line holds."""
    return (
        *_open(findings),
        *_misfit(findings),
        _constants(findings),
        _straight(findings),
        "Best sizes grow as powers of training compute; a share is a dimension's part in the "
        "growth of MACs. Intervals are of 95 %, by the profile of the loss; the test images were "
        "not read.",
    )


def star_picture(findings: StarFindings) -> Picture:
    """Draw the score against each dimension's size, a line a length: points and surfaces."""
    axes_of = findings.points.sweep.axes

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(axes_of), sharey=True, squeeze=False)[0]
        for panel, axis in zip(panels, axes_of, strict=True):
            _draw_arm(panel, findings, axis)
        panels[0].set_ylabel(_SCORES[findings.points.sweep.score])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))

    caption = (
        "Each dimension of the centre made smaller alone, after several lengths of training; lines "
        "are the fitted surfaces."
    )
    return picture("star", caption, (2.9 * len(axes_of) + 0.6, 4.0), draw)


def _columns(findings: StarFindings, each: DimensionExponent) -> dict[str, object]:
    constant = CONSTANTS[each.axis]
    return {
        **{"dimension": each.axis, "sizes": each.sizes},
        **{"smallest": each.smallest, "largest": each.largest},
        "exponent": each.exponent,
        **{f"exponent_{end}": getattr(each.exponent_range, end) for end in ("low", "high")},
        "share": each.share,
        **{f"share_{end}": getattr(each.share_range, end) for end in ("low", "high")},
        "constant": constant,
        "implied": getattr(findings.implied, constant),
        "given": getattr(findings.given, constant),
        "given_share": each.given_share,
        "straight_p_value": findings.straight.p_value,
    }


def _cells(origin: str) -> Cells:
    return {
        "dimension": lambda row: str(row["dimension"]),
        "sizes": lambda row: f"{as_float(row['smallest']):,.0f} – {as_float(row['largest']):,.0f}",
        "exponent [95\u00a0%]": lambda row: _range_text(row, "exponent"),
        "share of growth [95\u00a0%]": lambda row: _range_text(row, "share"),
        f"share, {origin}": number_cell("given_share", ".2f"),
        "constant": lambda row: (
            f"{_LETTERS[str(row['constant'])]} = {as_float(row['implied']):.2f}"
        ),
        origin: number_cell("given", ".2f"),
    }


_POINT_CELLS: Cells = {
    "dimension": lambda row: str(row["axis"]),
    "network": lambda row: str(row["network"]),
    "size": number_cell("size", ",.0f"),
    "epochs": number_cell("epochs", "d"),
    "score": number_cell("score", ".4f"),
    "fitted": number_cell("fitted", ".4f"),
    "n": number_cell("n", "d"),
}


def _range_text(row: Row, name: str) -> str:
    value, low, high = (as_float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.2f} [{low:.2f}, {'∞' if math.isinf(high) else format(high, '.2f')}]"


def _open(findings: StarFindings) -> Iterator[str]:
    names = [each.axis for each in findings.dimensions if each.is_open]
    if names:
        yield (
            f"How the best {' and '.join(names)} grows is left open by these points: add --sizes, "
            "--epochs or --seeds."
        )
    if findings.points.missing:
        yield f"{findings.points.missing} trainings are missing or failed; the others are taken."


def _misfit(findings: StarFindings) -> Iterator[str]:
    misfit = findings.misfit
    if misfit is not None and misfit.p_value < _SIGNIFICANT:
        yield (
            f"The points lie {misfit.times:.1f} times as far from the surfaces as their seeds "
            f"scatter (p {_equal(misfit.p_value)}): the exponents describe them roughly, and "
            "longer --epochs may lie on one."
        )


def _constants(findings: StarFindings) -> str:
    outside = [
        each.axis for each in findings.dimensions if not _holds(each.share_range, each.given_share)
    ]
    verdict = (
        f"their share of {' and of '.join(outside)} lies outside the star's interval"
        if outside
        else "each of their shares lies within the star's interval"
    )
    return (
        f"For {findings.growth:g} times the MACs the star implies "
        f"{_words(findings, findings.implied)}; {findings.origin} are "
        f"{_words(findings, findings.given)}: {verdict}."
    )


def _holds(span: Range, share: float) -> bool:
    return math.isnan(share) or span.holds(share)


def _words(findings: StarFindings, constants: Coefficients) -> str:
    """The constants of the swept dimensions."""
    names = [CONSTANTS[each.axis] for each in findings.dimensions]
    return ", ".join(f"{_LETTERS[name]} = {getattr(constants, name):.2f}" for name in names)


def _straight(findings: StarFindings) -> str:
    p_value = findings.straight.p_value
    if math.isnan(p_value):
        return "Whether EfficientNet's straight line in log space holds takes more points to say."
    if p_value < _SIGNIFICANT:
        return (
            "EfficientNet's straight line in log space does not hold: best sizes that bend each in "
            f"its own way fit better (p {_equal(p_value)}), so constants of one φ need not be "
            "those of another."
        )
    return (
        "EfficientNet's straight line in log space holds so far: best sizes that bend each in its "
        f"own way fit no better (p {_equal(p_value)})."
    )


def _equal(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _draw_arm(panel: Any, findings: StarFindings, axis: AxisName) -> None:
    frame = findings.points.frame
    rows = frame[frame["axis"] == axis].assign(fitted=findings.fitted[axis])
    factor = 100.0 if findings.points.sweep.score == "error" else 1.0
    lengths = sorted(rows["epochs"].unique())
    for number, epochs in enumerate(lengths):
        shade = f"C{number}"
        of_length = rows[rows["epochs"] == epochs].sort_values("size")
        label = f"{epochs} epoch{'s' if epochs > 1 else ''}"
        panel.plot(of_length["size"], factor * of_length["fitted"], color=shade, linewidth=1.4)
        panel.plot(
            of_length["size"],
            factor * of_length["score"],
            color=shade,
            marker="o",
            linestyle="",
            markersize=5,
            label=label,
        )
    panel.set(xscale="log", xlabel=_SIZES[axis], title=axis)
    panel.xaxis.set_major_formatter(plotting.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panel.xaxis.set_minor_formatter(plotting.NullFormatter())
    low, high = rows["size"].min(), rows["size"].max()
    panel.set_xticks([low, (low * high) ** 0.5, high])
    panel.minorticks_off()
