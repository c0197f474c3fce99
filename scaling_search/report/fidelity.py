"""How far a proxy is to be believed: as a table, a picture and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from scaling_search.compare.gains import Row
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    as_float,
    interval_cell,
    number_cell,
    shown_text,
)
from scaling_search.report.figure_style import Picture, picture
from scaling_search.search.fidelity import Compared

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# (1 + τ) / 2 of the pairs of networks stand in the same order: above this, three of four.
MUCH = 0.5


def fidelity_table(found: Sequence[Compared]) -> Table:
    """One row a comparison of two conditions; regrets in percentage points."""
    rows = [
        {
            **{key: value for key, value in asdict(one).items() if key != "agreement"},
            **asdict(one.agreement),
            "tied": one.agreement.tied,
            "verdict": agreement_words(one),
        }
        for one in found
    ]
    numbers = pd.DataFrame(rows)
    return Table("fidelity", numbers, shown_text(numbers, _CELLS))


def agreement_words(one: Compared) -> str:
    """One sentence: whether the order and the winner of one condition are those of the other."""
    agreed = one.agreement
    if math.isnan(agreed.tau):
        return f"{_place(one)}: too few networks in common, {agreed.n} of {one.candidates}."
    share = f"{agreed.n} of {one.candidates} networks"
    apart = f", which differ in {one.distance:.0%} of their growth" if one.distance > 0 else ""
    tau = f"τ = {_tau_text(agreed.tau, agreed.low, agreed.high)} over {share}{apart}"
    return f"{_subject(one)} {_orders(one)}, {tau}; {_winner(one)}."


def shift_warning(one: Compared) -> str:
    """One sentence for the report of a search whose winner changed with the length of training."""
    agreed = one.agreement
    doubt = " (there, the evidence can't tell them apart)" if agreed.tied else ""
    return (
        f"The winner shifts with training: of the {agreed.n} candidates trained both ways, "
        f"{agreed.winner} is best after {one.left} and {agreed.best} after {one.right}{doubt}, and "
        f"the two orders agree with τ = {_tau_text(agreed.tau, agreed.low, agreed.high)}; what "
        "was ruled out after short trainings may be better than it looked."
    )


def fidelity_picture(found: Sequence[Compared]) -> Picture:
    """Draw each τ with its interval, and the ceiling that noise sets to it."""

    def draw(figure: Figure) -> None:
        _draw(figure.add_subplot(), found)
        figure.legend(loc="outside lower center", ncols=3)

    caption = (
        "How far two conditions order the networks alike: Kendall's τ with its 95 % interval, the "
        "same of one seed with another seed, and the τ that the seeds' noise would leave if the "
        "true orders were the same."
    )
    return picture("fidelity", caption, (7.8, 1.4 + 0.55 * len(found)), draw)


def _draw(axes: Any, found: Sequence[Compared]) -> None:
    numbers = fidelity_table(found).numbers
    places = [-float(place) for place in range(len(numbers))]
    tau = numbers["tau"]
    errors = [(tau - numbers["low"]).fillna(0.0), (numbers["high"] - tau).fillna(0.0)]
    look = {"color": "#0072B2", "fmt": "o", "capsize": 3.5, "markersize": 6.5}
    axes.errorbar(tau, places, xerr=errors, label="τ with its 95 % interval", **look)
    look = {"color": "#D55E00", "marker": "D", "s": 26, "zorder": 3}
    axes.scatter(numbers["seed_tau"], places, label="one seed with another seed", **look)
    look = {"color": "#000000", "marker": "|", "s": 140}
    axes.scatter(numbers["ceiling"], places, label="ceiling that noise sets", **look)
    axes.axvline(0.0, color="#000000", linewidth=0.8)
    axes.set_yticks(places, [f"{_place(one)}\n{one.left} – {one.right}" for one in found])
    axes.set(xlabel="Kendall's τ", xlim=(-1.02, 1.02))


def _place(one: Compared) -> str:
    return one.where if one.kind in ("length", "seed") else one.kind


def _subject(one: Compared) -> str:
    if one.kind == "length":
        return f"{one.where}: training {one.left}"
    return f"{one.where}: {one.left}" if one.kind == "seed" else f"{one.kind}: {one.left}"


def _orders(one: Compared) -> str:
    low, what = one.agreement.low, f"{one.right} {'do' if one.kind == 'length' else 'does'}"
    if low >= MUCH:
        return f"orders the networks much as {what}"
    if low > 0:
        return f"orders the networks only partly as {what}"
    return f"can't be said to order the networks as {what}"


def _winner(one: Compared) -> str:
    agreed = one.agreement
    if agreed.winner == agreed.best and one.kind != "seed":
        return "its winner is the best there too"
    regret = f"{agreed.regret_points:.1f} points"
    if not math.isnan(agreed.regret_low):
        regret += f" [{agreed.regret_low:.1f}, {agreed.regret_high:.1f}]"
    doubt = ", which the evidence can't tell from it" if agreed.tied else ""
    return f"its winner is {regret} from the best there{doubt}"


def _tau_text(tau: float, low: float, high: float) -> str:
    return f"{tau:.2f}" if math.isnan(low) else f"{tau:.2f} [{low:.2f}, {high:.2f}]"


def _tau_cell(row: Row) -> str:
    tau, low, high = (as_float(row[name]) for name in ("tau", "low", "high"))
    return DASH if math.isnan(tau) else _tau_text(tau, low, high)


def _regret_cell(row: Row) -> str:
    if not math.isnan(as_float(row["regret_low"])):
        return interval_cell(("regret_points", "regret_low", "regret_high"))(row)
    return number_cell("regret_points", ".2f")(row)


def _condition(row: Row) -> str:
    inside = row["kind"] in ("length", "seed")
    return f"{row['where']}, {row['left']}" if inside else str(row["left"])


_CELLS: Cells = {
    "compared": lambda row: str(row["kind"]),
    "condition": _condition,
    "against": lambda row: str(row["right"]),
    "n": lambda row: f"{row['n']} of {row['candidates']}",
    "distance": number_cell("distance", ".2f"),
    "τ [95\u00a0%]": _tau_cell,
    "seed to seed": number_cell("seed_tau", ".2f"),
    "ceiling": number_cell("ceiling", ".2f"),
    "winner's regret (points) [95\u00a0%]": _regret_cell,
}
