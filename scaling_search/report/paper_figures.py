"""Figures for a paper or a talk, of one run or several: the page's numbers on matplotlib's axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scaling_search.compare.methods import BASE, COMPOUND, in_order, in_words
from scaling_search.core import plotting
from scaling_search.core.errors import UserError, require
from scaling_search.report.figures import si_text
from scaling_search.report.method_styles import MethodStyle, looks_of

Kind = Literal["accuracy", "curves", "landscape"]
Style = Literal["paper", "talk"]
XName = Literal["macs", "params", "activations", "latency", "seconds", "memory"]
X_NAMES: Mapping[str, str] = {
    **{name: name for name in ("macs", "params", "activations")},
    **{"latency": "latency_ms", "seconds": "train_seconds", "memory": "peak_bytes"},
}
"""What an axis may be called, and the cost of `page_data` that it shows."""
FILLS = ("full", "none", "left", "bottom")
"""How the markers of the first run, the second, … are filled."""


@dataclass(frozen=True)
class Strokes:
    """Sizes in points."""

    text: float
    line: float
    marker: float


STYLES: Mapping[Style, Strokes] = {
    "paper": Strokes(text=8.0, line=1.1, marker=4.2),
    "talk": Strokes(text=14.0, line=2.2, marker=8.0),
}


def rc_params(style: Style) -> dict[str, Any]:
    """matplotlib's settings of a style; fonts go into a PDF whole, as TrueType, not as outlines."""
    strokes = STYLES[style]
    return {
        "font.family": "DejaVu Sans",
        "font.size": strokes.text,
        "legend.fontsize": 0.9 * strokes.text,
        "xtick.labelsize": 0.9 * strokes.text,
        "ytick.labelsize": 0.9 * strokes.text,
        "axes.linewidth": 0.5 * strokes.line,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "scaling-search",
    }


def draw_accuracy(axes: Any, runs: Sequence[Mapping[str, Any]], x: str, style: Style) -> list[Any]:
    """Draw test top-1 against a cost with 95 % intervals, a line a method; return legend's keys.

    `runs` are `page_data` of each run. Methods differ in marker and dash, runs in how markers are
    filled, so that a print in grey tells all apart. Raises UserError where a run lacks the axis.
    """
    label = _label(runs, x)
    looks, column = looks_of(_methods(runs)), X_NAMES[x]
    for data, fill in zip(runs, FILLS, strict=False):
        done = [network for network in data["networks"] if network["n"]]
        for method, look in looks.items():
            line = [n for n in done if n["method"] in (BASE, method)]
            networks = [n for n in done if n["method"] == method]
            if method != BASE and networks:
                _join(axes, [n["costs"][column] for n in line], _tops(line), look, style)
            _error_bars(axes, [n["costs"][column] for n in networks], networks, look, (style, fill))
    axes.set(xscale="log", xlabel=label, ylabel="test top-1 (%)")
    _few_ticks(axes)
    return _keys(runs, looks, style)


def draw_curves(axes: Any, runs: Sequence[Mapping[str, Any]], style: Style) -> list[Any]:
    """Draw validation top-1 by epoch at the largest φ of each run; return the legend's keys."""
    looks, strokes = looks_of(_methods(runs)), STYLES[style]
    for data, fill in zip(runs, FILLS, strict=False):
        for network in _largest(data["networks"]):
            look, curve = looks[network["method"]], network["curves"]
            stroke = _stroke(look, style) | {"marker": look.marker, "fillstyle": fill}
            every = max(1, len(curve["epochs"]) // 8)
            stroke |= {"markersize": 0.8 * strokes.marker, "markevery": every}
            axes.plot(curve["epochs"], curve["validation_top1"]["mean"], **stroke)
    axes.set(xlabel="epoch", ylabel="validation top-1 (%)")
    axes.xaxis.set_major_locator(plotting.MaxNLocator(nbins=6, integer=True))
    return _keys(runs, looks, style)


def with_methods(data: Mapping[str, Any], methods: Sequence[str]) -> dict[str, Any]:
    """A run's data with these methods alone, and the base; raises UserError for an unknown one."""
    present = [method["name"] for method in data["methods"]]
    for method in methods:
        require(method in present, f"methods must be among {', '.join(present)}", method)
    chosen = [network for network in data["networks"] if network["method"] in (BASE, *methods)]
    return {**data, "networks": chosen}


def _label(runs: Sequence[Mapping[str, Any]], x: str) -> str:
    """The axis's words; raises UserError unless every run has it, and has it measured alike."""
    require(x in X_NAMES, f"x must be one of {', '.join(X_NAMES)}", x)
    labels = list[str]()
    for data in runs:
        costs = {cost["name"]: str(cost["label"]) for cost in data["costs"]}
        if X_NAMES[x] not in costs:
            have = [name for name, column in X_NAMES.items() if column in costs]
            hint = f"it has {', '.join(have)}" if have else "nothing has finished"
            raise UserError(f"x must be known of every network, and {data['title']}: {hint}")
        labels.append(costs[X_NAMES[x]])
    require(len({*labels}) == 1, "runs on one axis must be measured alike", " and ".join(labels))
    return labels[0]


def _methods(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    return in_order(n["method"] for data in runs for n in data["networks"] if n["n"])


def _largest(networks: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The base and the networks of the largest φ that have a curve."""
    with_curves = [n for n in networks if n["n"] and n["curves"]]
    phi = max((n["phi"] for n in with_curves), default=0.0)
    yield from (n for n in with_curves if n["method"] == BASE or n["phi"] == phi)


def _tops(networks: Sequence[Mapping[str, Any]]) -> list[float]:
    return [network["top1"] for network in networks]


def _stroke(look: MethodStyle, style: Style) -> dict[str, Any]:
    return {"color": look.colour, "linestyle": look.dash, "linewidth": STYLES[style].line}


def _join(
    axes: Any, x: Sequence[float], y: Sequence[float], look: MethodStyle, style: Style
) -> None:
    axes.plot(x, y, **_stroke(look, style), zorder=2)


def _error_bars(
    axes: Any,
    x: Sequence[float],
    networks: Sequence[Mapping[str, Any]],
    look: MethodStyle,
    style_and_fill: tuple[Style, str],
) -> None:
    style, fill = style_and_fill
    halves = [(n["high"] - n["top1"]) if n["high"] is not None else 0.0 for n in networks]
    bars = axes.errorbar(
        x,
        _tops(networks),
        yerr=halves,
        color=look.colour,
        fmt=look.marker,
        fillstyle=fill,
        markersize=STYLES[style].marker,
        elinewidth=0.8 * STYLES[style].line,
        capsize=0.5 * STYLES[style].marker,
        zorder=4 if look.marker == "P" else 3,
    )
    bars.lines[0].set_markerfacecoloralt("white")
    if fill == "none":
        bars.lines[0].set(fillstyle="full", markerfacecolor="white")


def _few_ticks(axes: Any) -> None:
    """Few labels: a column of a paper is narrow."""
    low, high = axes.get_xlim()
    steps = (1, 1.5, 2, 3, 4, 6, 8) if high / low < 8 else (1, 2, 5) if high / low < 80 else (1,)
    axes.xaxis.set_major_locator(plotting.LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_major_formatter(plotting.FuncFormatter(lambda value, _: si_text(value)))
    axes.xaxis.set_minor_locator(plotting.NullLocator())
    axes.grid(True, color="#e4e4e4", linewidth=0.5)


def _keys(
    runs: Sequence[Mapping[str, Any]], looks: Mapping[str, MethodStyle], style: Style
) -> list[Any]:
    """A key a method, then, where there are several, one a run."""
    strokes = STYLES[style]
    size = {"markersize": strokes.marker}
    keys = [
        plotting.Line2D(
            [],
            [],
            **_stroke(look, style) | ({"linestyle": ""} if method == BASE else {}),
            marker=look.marker,
            label=in_words(method),
            **size,
        )
        for method, look in looks.items()
    ]
    if len(runs) == 1:
        return keys
    grey, marker = "#555555", looks_of([COMPOUND])[COMPOUND].marker
    filled = {"color": grey, "marker": marker, "linestyle": "", "markerfacecoloralt": "white"}
    return keys + [
        plotting.Line2D([], [], label=data["title"], fillstyle=fill, **filled, **size)
        for data, fill in zip(runs, FILLS, strict=False)
    ]
