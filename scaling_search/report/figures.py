"""Accuracy against cost and learning curves: computed as frames first, then drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, assert_never

import pandas as pd

from scaling_search.compare.methods import BASE, in_order
from scaling_search.compare.networks import Networks, finished
from scaling_search.core import plotting
from scaling_search.report.figure_style import Picture, Section, picture
from scaling_search.report.method_styles import LOOKS, MethodStyle, looks_of, method_keys

if TYPE_CHECKING:
    from matplotlib.figure import Figure


CostName = Literal["macs", "params", "activations"]
COSTS: tuple[CostName, ...] = ("macs", "params", "activations")
_LINE_COLUMNS = ("method", "phi", "cost", "mean", "low", "high", "n")


def accuracy_lines(runs: pd.DataFrame, cost: CostName) -> pd.DataFrame:
    """Return one row a method and φ: cost, mean test top-1 in percent, its 95 % interval, n.

    The error is pooled over all networks. The base network at φ = 0 opens the line of every method;
    `low` and `high` are nan at n = 1.
    """
    done, networks = finished(runs), Networks.of(runs)
    rows = [
        _line_point(networks, at, method, cost)
        for method in in_order(done["method"])
        if method != BASE
        for _, at in done[done["method"].isin([BASE, method])].groupby("phi", sort=True)
    ]
    return pd.DataFrame(rows, columns=list(_LINE_COLUMNS))


def accuracy_dots(runs: pd.DataFrame, cost: CostName) -> pd.DataFrame:
    """Return one row a finished training: method, cost and test top-1 in percent."""
    done = finished(runs)
    values = {"method": done["method"], "cost": done[cost], "top1": 100 * done["test_top1"]}
    return pd.DataFrame(values)


def learning_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return one row a method, φ and epoch: mean over seeds of validation top-1 in percent, n."""
    measured = curves.dropna(subset=["validation_top1"])
    keys = ["phi", "method", "epoch"]
    means = measured.groupby(keys)["validation_top1"].agg(["mean", "count"]).reset_index()
    means["mean"] = 100 * means["mean"].astype(float)
    return means.rename(columns={"mean": "top1", "count": "n"})


def accuracy_picture(runs: pd.DataFrame, cost: CostName) -> Picture:
    """Draw test top-1 against one cost, one line a method, 95 % intervals, seeds as faint dots."""
    lines, dots = accuracy_lines(runs, cost), accuracy_dots(runs, cost)
    looks = looks_of(dots["method"])

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _draw_dots(axes, dots, looks)
        for method, line in lines.groupby("method", sort=False):
            _draw_line(axes, looks[str(method)], line)
        _draw_base(axes, runs, cost)
        axes.set(xscale="log", xlabel=_axis_label(cost), ylabel="test top-1 (%)")
        log_ticks(axes, dots["cost"])
        figure.legend(handles=method_keys(looks), loc="outside lower center", ncols=3)

    caption = (
        f"Test top-1 against {_axis_label(cost)}. Lines join means over seeds, bars are 95 % "
        "intervals with the scatter of all networks, faint dots are single trainings."
    )
    return picture(f"accuracy_{cost}", caption, (7.2, 4.8), draw)


def gate_picture(gate: pd.DataFrame) -> Picture:
    """Draw validation top-1 against MACs of the base and of each axis grown alone."""
    looks = looks_of(gate["method"])
    dots = gate.assign(cost=gate["macs"], top1=100 * gate["validation_top1"])
    means = dots.groupby("method", sort=False)[["cost", "top1"]].mean()

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _draw_dots(axes, dots, looks)
        for method, look in looks.items():
            line = means.loc[[name for name in (BASE, method) if name in means.index]]
            stroke = {"color": look.colour, "linestyle": look.dash, "linewidth": 1.8}
            axes.plot(line["cost"], line["top1"], **stroke)
            mark: Any = {"color": look.colour, "marker": look.marker, "markersize": 6.5}
            axes.plot(means["cost"][[method]], means["top1"][[method]], **mark)
        axes.set(xscale="log", xlabel=_axis_label("macs"), ylabel="validation top-1 (%)")
        log_ticks(axes, dots["cost"])
        figure.legend(handles=method_keys(looks), loc="outside lower center", ncols=4)

    caption = (
        "The gate: validation top-1 of the base and of each axis grown alone, before the search. "
        "Lines lead from the base to means over seeds, faint dots are single trainings."
    )
    return picture("gate", caption, (7.2, 4.0), draw)


def curves_picture(curves: pd.DataFrame) -> Picture:
    """Draw validation top-1 by epoch, one panel a φ, with the base network in each."""
    means = learning_curves(curves)
    base, looks = means[means["method"] == BASE], looks_of(means["method"])
    grown = sorted(means.loc[means["method"] != BASE, "phi"].unique()) or [0.0]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(grown), sharey=True, squeeze=False)[0]
        for axes, phi in zip(panels, grown, strict=True):
            at = means[means["phi"] == phi]
            for method, look in looks.items():
                line = base if method == BASE else at[at["method"] == method]
                _draw_curves(axes, look, line)
            axes.set(title=f"φ = {phi:g}", xlabel="epoch")
            axes.xaxis.set_major_locator(plotting.MaxNLocator(nbins=6, integer=True))
        panels[0].set_ylabel("validation top-1 (%)")
        figure.legend(handles=method_keys(looks), loc="outside lower center", ncols=3)

    caption = "Validation top-1 by epoch, mean over seeds, one panel a φ; the base network in each."
    section = Section("curves", "Learning curves")
    return picture("learning_curves", caption, (max(7.2, 3.9 * len(grown)), 4.2), draw, section)


def _line_point(
    networks: Networks, at: pd.DataFrame, method: str, cost: CostName
) -> dict[str, object]:
    phi, spent = float(at["phi"].iloc[0]), int(at[cost].iloc[0])
    score = networks.interval((str(at["method"].iloc[0]), phi))
    ends = {"mean": score.mean, "low": score.low, "high": score.high, "n": score.n}
    return {"method": method, "phi": phi, "cost": spent, **ends}


def _draw_dots(axes: Any, dots: pd.DataFrame, looks: Mapping[str, MethodStyle]) -> None:
    # A step to the right of the mean, or error bar and marker would hide them.
    aside = (dots["cost"].max() / dots["cost"].min()) ** 0.012 if len(dots) else 1.0
    for method, rows in dots.groupby("method", sort=False):
        look, faint = looks[str(method)], {"s": 18, "alpha": 0.4, "linewidths": 0}
        x, y = aside * rows["cost"], rows["top1"]
        axes.scatter(x, y, color=look.colour, marker=look.marker, **faint)


def _draw_line(axes: Any, look: MethodStyle, line: pd.DataFrame) -> None:
    rising = line.sort_values("cost")
    stroke = {"color": look.colour, "linestyle": look.dash, "linewidth": 1.8}
    axes.plot(rising["cost"], rising["mean"], **stroke)
    _draw_means(axes, look, line[line["phi"] != 0])


def _draw_base(axes: Any, runs: pd.DataFrame, cost: CostName) -> None:
    base = finished(runs)
    base = base[base["method"] == BASE]
    if len(base):
        point = _line_point(Networks.of(runs), base, BASE, cost)
        _draw_means(axes, LOOKS[BASE], pd.DataFrame([point]), above=1)


def _draw_means(axes: Any, look: MethodStyle, points: pd.DataFrame, above: int = 0) -> None:
    axes.errorbar(
        points["cost"],
        points["mean"],
        yerr=(points["high"] - points["mean"]).fillna(0.0),
        color=look.colour,
        fmt=look.marker,
        capsize=3.5,
        markersize=6.5,
        zorder=3 + above,
    )


def _draw_curves(axes: Any, look: MethodStyle, line: pd.DataFrame) -> None:
    if len(line):
        stroke = {"color": look.colour, "linestyle": look.dash, "marker": look.marker}
        stroke["markevery"] = max(1, len(line) // 10)
        axes.plot(line["epoch"], line["top1"], linewidth=1.6, markersize=4.5, **stroke)


def _axis_label(cost: CostName) -> str:
    if cost == "macs":
        return "FLOPs (multiply-adds)"
    if cost == "params":
        return "parameters"
    if cost == "activations":
        return "activations (outputs of convolutions)"
    assert_never(cost)


def log_ticks(axes: Any, costs: pd.Series[Any]) -> None:
    """Label the axis more finely, the fewer decades the costs span."""
    span = costs.max() / costs.min() if len(costs) else 1.0
    if span < 2:
        steps: tuple[float, ...] = (1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)
    else:
        steps = (1, 1.5, 2, 3, 4, 5, 7) if span < 12 else (1, 2, 5)
    locator = plotting.LogLocator(subs=steps, numticks=20)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(plotting.FuncFormatter(lambda value, _: si_text(value)))
    axes.xaxis.set_minor_locator(plotting.NullLocator())
    axes.xaxis.set_minor_formatter(plotting.NullFormatter())


def si_text(value: float) -> str:
    """A count in thousands, millions or billions: "4.5 M".

    Examples:
        >>> from scaling_search.report.figures import si_text
        >>> si_text(385_814_752), si_text(5_288_548)
        ('386 M', '5.29 M')
    """
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor * 0.9999:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"
