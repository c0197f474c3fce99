"""An evaluation as tables, and as a picture beside the paper's Table 2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scaling_search.arch.paper import published_networks as published_rows
from scaling_search.core import plotting
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.pretrained.evaluation import Evaluation
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    as_float,
    interval_cell,
    interval_text,
    number_cell,
    p_text,
    scaled_cell,
    shown_text,
    write_tables,
)
from scaling_search.report.figure_style import Picture, picture, write_picture
from scaling_search.report.method_styles import LOOKS, OWN_LOOKS, MethodStyle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREY = "#8c8c8c"
_ROOM = 1.35  # left and right of the outermost points, as a factor of MACs
_SHARES = {"top1": "top-1", "top5": "top-5", "balanced": "balanced"}


def networks_table(evaluation: Evaluation) -> Table:
    """One row a network, by rising MACs."""
    return Table(
        "networks",
        evaluation.networks,
        shown_text(evaluation.networks, _cells(evaluation.networks)),
    )


def differences_table(evaluation: Evaluation) -> Table:
    """One row a pair of neighbours: the later less the earlier, on the same images."""
    return Table(
        "differences", evaluation.differences, shown_text(evaluation.differences, _PAIR_CELLS)
    )


def weights_picture(evaluation: Evaluation) -> Picture:
    """Draw top-1 against MACs, each family on a line; where the images are ImageNet's the paper's
    Table 2 beside them.
    """
    frame = evaluation.networks.assign(
        family=[architecture_family(str(n)) for n in evaluation.networks["network"]]
    )
    paper = _paper() if evaluation.is_imagenet else None

    macs = frame["macs"] if paper is None else pd.concat([frame["macs"], paper["macs"]])

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_ylabel("top-1 (%)")
        _scale_macs(axes, macs)
        if paper is not None:
            _draw_paper(axes, paper)
        for (family, rows), look in zip(frame.groupby("family", sort=False), cycle(_LOOKS)):
            _draw_family(axes, str(family), rows, look)
        axes.margins(y=0.1)
        figure.legend(loc="outside lower center", ncols=3)

    first = evaluation.networks.iloc[0]
    caption = (
        f"Top-1 against MACs on {int(first['n']):,} images of {int(first['classes']):,} classes; "
        "bars are Wilson's 95 % intervals."
    )
    if paper is not None:
        caption += " Hollow: the paper's own figures (Table 2, arXiv 1905.11946)."
    return picture("accuracy_macs", caption, (7.6, 5.0), draw)


def _scale_macs(axes: Any, macs: pd.Series) -> None:
    """A logarithmic axis that holds all of them, with ticks where they span less than a decade."""
    axes.set(xscale="log", xlabel="FLOPs (multiply-adds)")
    axes.set_xlim(macs.min() / _ROOM, macs.max() * _ROOM)
    axes.xaxis.set_major_formatter(plotting.EngFormatter())
    axes.xaxis.set_minor_formatter(plotting.NullFormatter())
    if macs.max() / macs.min() < 10:
        axes.xaxis.set_major_locator(plotting.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))


def write_evaluation(evaluation: Evaluation, out: Path) -> tuple[Path, ...]:
    """Write tables (CSV and Markdown), evaluation.json and the picture."""
    tables = [networks_table(evaluation), differences_table(evaluation)]
    return (
        *write_tables(tables, out),
        write_atomically(out / "evaluation.json", as_json(evaluation_values(evaluation))),
        *write_picture(weights_picture(evaluation), out),
    )


def evaluation_values(evaluation: Evaluation) -> dict[str, object]:
    """All of it as plain values."""
    return {
        "networks": _records(evaluation.networks),
        "differences": _records(evaluation.differences),
        "remarks": list(evaluation.remarks),
    }


def architecture_family(network: str) -> str:
    """The name without what counts its size: efficientnet-b of efficientnet-b3.

    Examples:
        >>> from scaling_search.pretrained.shown import architecture_family
        >>> names = ("efficientnet-b3", "efficientnet-lite0", "regnety-400mf")
        >>> [architecture_family(name) for name in names]
        ['efficientnet-b', 'efficientnet-lite', 'regnety']
    """
    plain = network.partition(" (")[0]
    return re.sub(r"[-_:]?\d+(mf)?$", "", plain) or plain


def _cells(numbers: pd.DataFrame) -> Cells:
    cells: Cells = {
        "network": lambda row: str(row["network"]),
        "weights": lambda row: str(row["weights"]),
        "side (px)": number_cell("px", "d"),
    }
    for name, words in _SHARES.items():
        columns = (f"{name}_percent", f"{name}_low_percent", f"{name}_high_percent")
        cells[f"{words} (%) [95\u00a0%]"] = interval_cell(columns)
    cells["cross-entropy"] = interval_cell(("loss", "loss_low", "loss_high"), ".3f")
    if numbers["published_top1_percent"].notna().any():
        cells["as published (%)"] = number_cell("published_top1_percent", ".2f")
    for column, head in (("macs", "MACs"), ("params", "params"), ("activations", "activations")):
        cells |= scaled_cell(numbers, column, head)
    if "latency_ms" in numbers:
        columns = ("latency_ms", "latency_low_ms", "latency_high_ms")
        cells["time (ms) [95\u00a0%]"] = interval_cell(columns)
    return cells


_PAIR_CELLS: Cells = {
    "network": lambda row: str(row["right"]),
    "against": lambda row: str(row["left"]),
    "top-1 gained (points)": lambda row: interval_text(
        as_float(row["difference_points"]),
        as_float(row["low_points"]),
        as_float(row["high_points"]),
        "+.2f",
    ),
    "right alone": number_cell("only_right", "d"),
    "the other alone": number_cell("only_left", "d"),
    "p (McNemar)": lambda row: p_text(as_float(row["p_value"])),
    "p (Holm)": lambda row: p_text(as_float(row["p_holm"])),
    "verdict": lambda row: str(row["verdict"]) or DASH,
}
_LOOKS: tuple[MethodStyle, ...] = (
    *(LOOKS[name] for name in ("compound", "depth", "width", "resolution", "paper", "official")),
    *OWN_LOOKS,
)


def _paper() -> pd.DataFrame:
    rows = [row for row in published_rows() if row.source == "T2" and row.macs_g and row.top1]
    return pd.DataFrame(
        [(row.model, 1e9 * (row.macs_g or 0), row.top1) for row in rows],
        columns=["model", "macs", "top1"],
    )


def _draw_paper(axes: Any, paper: pd.DataFrame) -> None:
    stroke: Mapping[str, Any] = {"color": _GREY, "linestyle": (0, (4, 3)), "linewidth": 1.2}
    label = "the paper's EfficientNets (Table 2)"
    axes.plot(
        paper["macs"], paper["top1"], marker="o", markerfacecolor="white", label=label, **stroke
    )
    for row in paper.to_dict("records"):
        spot = {"textcoords": "offset points", "xytext": (-7, 10), "ha": "right", "fontsize": 8}
        axes.annotate(str(row["model"]).upper(), (row["macs"], row["top1"]), color=_GREY, **spot)


def _draw_family(axes: Any, family: str, rows: pd.DataFrame, look: MethodStyle) -> None:
    top1 = rows["top1_percent"]
    axes.errorbar(
        rows["macs"],
        top1,
        yerr=[top1 - rows["top1_low_percent"], rows["top1_high_percent"] - top1],
        color=look.colour,
        marker=look.marker,
        linestyle=look.dash if len(rows) > 1 else "",
        capsize=3,
        markersize=6.5,
        linewidth=1.6,
        label=family if len(rows) > 1 else str(rows["network"].iloc[0]),
        zorder=3,
    )
    if len(rows) > 1:
        spot = {"textcoords": "offset points", "xytext": (6, -11), "fontsize": 8}
        for row in rows.to_dict("records"):
            name = str(row["network"]).removeprefix(family.rstrip("b")).strip("-")
            axes.annotate(name, (row["macs"], row["top1_percent"]), color=look.colour, **spot)


def _records(frame: pd.DataFrame) -> Any:
    return json.loads(frame.to_json(orient="records"))
