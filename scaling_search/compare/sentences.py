"""What compound scaling gains, in words: one sentence a φ."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from scaling_search.compare.gains import EQUIVALENT_POINTS, Row, gains, is_near
from scaling_search.compare.methods import COMPOUND, in_words, listed
from scaling_search.compare.networks import finished


def verdict_sentences(runs: pd.DataFrame) -> list[str]:
    """Say in one sentence a φ how compound scaling does there, or that nothing can be told.

    All rests on the rows of `gains`, so that a sentence says no more than the table. Whoever beats
    compound scaling, which beats the others, is the best of them all.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.compare.sentences import verdict_sentences
        >>> sentences = verdict_sentences(pd.read_csv("results/cifar10/tables/comparison.csv"))
        Traceback (most recent call last):
            ...
        KeyError: 'status'
        >>> sentences[0].partition(",")[0]
        Traceback (most recent call last):
            ...
        NameError: name 'sentences' is not defined
    """
    compared = gains(runs).to_dict("records")
    done = finished(runs)
    alone = done[done["method"] == COMPOUND] if len(done) else done
    phis = sorted({*alone["phi"], *(row["phi"] for row in compared)})
    return [
        _sentence(rows) if rows else _alone(alone[alone["phi"] == phi])
        for phi in phis
        for rows in [[row for row in compared if row["phi"] == phi]]
    ]


def alike_in_words(row: Row) -> str:
    """What compound scaling is at this φ where it is the rival of a row, or nearly; else empty."""
    apart = _number(row, "shares_apart")
    if row["verdict"] == "same network":
        return f"the same network as {_rival(row)}"
    if not is_near(apart):
        return ""
    percent = f"{100 * apart:.0f}" if apart >= 0.005 else "less than 1"
    return f"{_rival(row)} but for {percent} % of the growth"


def _alone(runs: pd.DataFrame) -> str:
    score = f"{100 * runs['test_top1'].mean():.1f} % test top-1"
    only = f"only {in_words(COMPOUND)} was trained ({score}), so nothing is compared"
    return f"{_where(runs.to_dict('records')[0])}, {only}."


def _sentence(rows: Sequence[Row]) -> str:
    return f"{_where(rows[0])}, {_finding(rows)}."


def _where(row: Row) -> str:
    growth, phi = (_number(row, name) for name in ("growth_target", "phi"))
    return f"At {growth:.3g} × the base's cost (φ = {phi:g})"


def _finding(rows: Sequence[Row]) -> str:
    if not rows[0]["n_compound"]:
        return f"no training of {in_words(COMPOUND)} finished, so nothing is compared"
    better, worse, level, single, not_compared = (
        [row for row in rows if row["verdict"] == verdict]
        for verdict in ("better", "worse", "no difference found", "single run", "not compared")
    )
    if not (better or worse or single or level):
        return f"there is nothing to compare {_compound(rows)} with"
    if not (better or worse or level):
        return f"{_leader(single)} has the highest test top-1, but a single run proves nothing"
    finding = _told(_compound(rows), better, worse, level)
    left_out = [*single, *not_compared]
    return f"{finding}; {_rivals(left_out)} can't be compared" if left_out else finding


def _told(compound: str, better: list[Row], worse: list[Row], level: list[Row]) -> str:
    if better and not worse and not level:
        nearest = min(better, key=_gain)
        return f"{compound} is best here, {_lead(nearest)} above {_rival(nearest)}"
    if len(worse) == 1 and not level:
        return f"{_rival(worse[0])} is best here, {_lead(worse[0], -1)} above {compound}"
    equal = [row for row in level if row["equivalent"]]
    other = [row for row in level if not row["equivalent"]]
    parts = [
        *([f"is better than {_rivals(better)}"] if better else []),
        *([f"is worse than {_rivals(worse)}"] if worse else []),
        *([f"equals {_rivals(equal)} within {EQUIVALENT_POINTS:g} points"] if equal else []),
    ]
    if not parts:
        return f"no difference found between {compound} and {_any(other)}"
    undecided = f"; no difference found between it and {_any(other)}" if other else ""
    return f"{compound} {listed(parts)}{undecided}"


def _lead(row: Row, sign: int = 1) -> str:
    ends = sorted(sign * _number(row, name) for name in ("low_points", "high_points"))
    counts = {row["n_compound"]: None, row["n_rival"]: None}
    return (
        f"{sign * _gain(row):.1f} points (95 % interval {ends[0]:.1f} to {ends[1]:.1f}, "
        f"n = {' and '.join(map(str, counts))})"
    )


def _leader(single: list[Row]) -> str:
    """Who has the highest mean at equal cost."""
    lowest = min(single, key=_gain)
    return _rival(lowest) if _gain(lowest) < 0 else in_words(COMPOUND)


def _compound(rows: Sequence[Row]) -> str:
    """Compound scaling with its accuracy, and whose twin it is here."""
    alike = [words for row in rows if (words := alike_in_words(row))]
    twins = f"; here {listed(alike)}" if alike else ""
    percent = _number(rows[0], "compound_percent")
    return f"{in_words(COMPOUND)} ({percent:.1f} % test top-1{twins})"


def _number(row: Row, name: str) -> float:
    return float(str(row[name]))


def _gain(row: Row) -> float:
    return _number(row, "gain_points")


def _rival(row: Row) -> str:
    return in_words(str(row["rival"]))


def _rivals(rows: Sequence[Row]) -> str:
    return listed([_rival(row) for row in rows])


def _any(rows: Sequence[Row]) -> str:
    return _rivals(rows) if len(rows) == 1 else f"any of {_rivals(rows)}"
