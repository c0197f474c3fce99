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
STRONG_TAU = 0.5


def fidelity_table(pairs: Sequence[Compared]) -> Table:
    """One row a comparison of two conditions; regrets in percentage points."""
    rows = [
        {
            **{key: value for key, value in asdict(pair).items() if key != "agreement"},
            **asdict(pair.agreement),
            "tied": pair.agreement.tied,
            "verdict": agreement_words(pair),
        }
        for pair in pairs
    ]
    numbers = pd.DataFrame(rows)
    return Table("fidelity", numbers, shown_text(numbers, _CELLS))


def agreement_words(pair: Compared) -> str:
    """One sentence: whether the order and the winner of one condition are those of the other."""
    agreement = pair.agreement
    if math.isnan(agreement.tau):
        return f"{_heading(pair)}: too few networks in common, {agreement.n} of {pair.candidates}."
    share = f"{agreement.n} of {pair.candidates} networks"
    apart = f", which differ in {pair.distance:.0%} of their growth" if pair.distance > 0 else ""
    tau = f"τ = {_tau_text(agreement.tau, agreement.low, agreement.high)} over {share}{apart}"
    return f"{_subject(pair)} {_orders(pair)}, {tau}; {_winner(pair)}."


def shift_warning(pair: Compared) -> str:
    """One sentence for the report of a search whose winner changed with the length of training."""
    agreement = pair.agreement
    doubt = " (there, the evidence can't tell them apart)" if agreement.tied else ""
    tau = _tau_text(agreement.tau, agreement.low, agreement.high)
    return (
        f"The winner shifts with training: of the {agreement.n} candidates trained both ways, "
        f"{agreement.winner} is best after {pair.left} and {agreement.best} after {pair.right}"
        f"{doubt}, and the two orders agree with τ = {tau}; what was ruled out after short "
        "trainings may be better than it looked."
    )


def fidelity_picture(pairs: Sequence[Compared]) -> Picture:
    """Draw each τ with its interval, and the ceiling that noise sets to it."""

    def draw(figure: Figure) -> None:
        _draw(figure.add_subplot(), pairs)
        figure.legend(loc="outside lower center", ncols=3)

    caption = (
        "How far two conditions order the networks alike: Kendall's τ with its 95 % interval, the "
        "same of one seed with another seed, and the τ that the seeds' noise would leave if the "
        "true orders were the same."
    )
    return picture("fidelity", caption, (7.8, 1.4 + 0.55 * len(pairs)), draw)


def _draw(axes: Any, pairs: Sequence[Compared]) -> None:
    numbers = fidelity_table(pairs).numbers
    heights = [-float(row) for row in range(len(numbers))]
    tau = numbers["tau"]
    errors = [(tau - numbers["low"]).fillna(0.0), (numbers["high"] - tau).fillna(0.0)]
    look = {"color": "#0072B2", "fmt": "o", "capsize": 3.5, "markersize": 6.5}
    axes.errorbar(tau, heights, xerr=errors, label="τ with its 95 % interval", **look)
    look = {"color": "#D55E00", "marker": "D", "s": 26, "zorder": 3}
    axes.scatter(numbers["seed_tau"], heights, label="one seed with another seed", **look)
    look = {"color": "#000000", "marker": "|", "s": 140}
    axes.scatter(numbers["ceiling"], heights, label="ceiling that noise sets", **look)
    axes.axvline(0.0, color="#000000", linewidth=0.8)
    axes.set_yticks(heights, [f"{_heading(pair)}\n{pair.left} – {pair.right}" for pair in pairs])
    axes.set(xlabel="Kendall's τ", xlim=(-1.02, 1.02))


def _heading(pair: Compared) -> str:
    return pair.where if pair.kind in ("length", "seed") else pair.kind


def _subject(pair: Compared) -> str:
    if pair.kind == "length":
        return f"{pair.where}: training {pair.left}"
    return f"{pair.where if pair.kind == 'seed' else pair.kind}: {pair.left}"


def _orders(pair: Compared) -> str:
    low, verb = pair.agreement.low, "do" if pair.kind == "length" else "does"
    reference = f"{pair.right} {verb}"
    if low >= STRONG_TAU:
        return f"orders the networks much as {reference}"
    if low > 0:
        return f"orders the networks only partly as {reference}"
    return f"can't be said to order the networks as {reference}"


def _winner(pair: Compared) -> str:
    agreement = pair.agreement
    if agreement.winner == agreement.best and pair.kind != "seed":
        return "its winner is the best there too"
    regret = f"{agreement.regret_points:.1f} points"
    if not math.isnan(agreement.regret_low):
        regret += f" [{agreement.regret_low:.1f}, {agreement.regret_high:.1f}]"
    doubt = ", which the evidence can't tell from it" if agreement.tied else ""
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
