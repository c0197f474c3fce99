"""What growing all three gains over growing just one: tables and sentences from finished runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from scaling_search.statistics import (
    Difference,
    Interval,
    Verdict,
    holm,
    mean_interval,
    paired_difference,
    verdict_of,
)

METHODS = ("compound", "depth", "width", "resolution")
WORDS: Mapping[str, str] = {
    "base": "the base network",
    "compound": "compound scaling",
    "depth": "depth alone",
    "width": "width alone",
    "resolution": "resolution alone",
}
GAIN_COLUMNS = (
    "phi",
    "growth_target",
    "rival",
    "compound_growth",
    "rival_growth",
    "n",
    "gain_points",
    "low_points",
    "high_points",
    "p_value",
    "p_adjusted",
    "verdict",
)
Scores = dict[int, float]


@dataclass(frozen=True)
class Contest:
    """The network with the best mean at one φ, held against every other method there.

    `differences` are leader - other in percentage points; `verdicts` rest on their p values,
    Holm-adjusted. `twins` are the rivals that came to compound scaling's very network: they are
    named with it and not held against it.
    """

    phi: float
    growth_target: float
    leader: str
    leader_top1: Interval
    others: tuple[str, ...]
    differences: tuple[Difference, ...]
    verdicts: tuple[Verdict, ...]
    twins: tuple[str, ...] = ()

    def word(self, method: str) -> str:
        """The method in words."""
        if method != "compound" or not self.twins:
            return WORDS[method]
        twins = _listed([WORDS[twin] for twin in self.twins])
        return f"{WORDS[method]} (here the same network as {twins})"


def finished(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that ended with an accuracy."""
    return runs[runs["status"] == "finished"] if len(runs) else runs


def gains(runs: pd.DataFrame) -> pd.DataFrame:
    """Compare compound scaling with each rival at each φ > 0, in points of test top-1.

    A row a φ and rival: the gain (compound - rival) paired by seed with its 95 % interval, the p
    value as it is and Holm-adjusted over the rivals of that φ, since each φ gets a verdict of its
    own, n, both networks' real growth, and the verdict on compound scaling at the adjusted level.
    A rival of which nothing finished is "not compared" rather than left out.
    """
    rows = [row for at in _budgets(runs) for row in _gains_at(at)]
    return pd.DataFrame(rows, columns=list(GAIN_COLUMNS))


def contests(runs: pd.DataFrame) -> tuple[Contest, ...]:
    """Return one contest a φ > 0 at which anything finished."""
    return tuple(contest for at in _budgets(runs) if (contest := _contest(at)) is not None)


def verdict_sentences(runs: pd.DataFrame) -> list[str]:
    """Say in one sentence a φ which way of growing is best there, or that none can be told so."""
    return [_sentence(contest) for contest in contests(runs)]


def scores(runs: pd.DataFrame, method: str) -> Scores:
    """Return test top-1 in percent by seed of one method's finished runs."""
    rows = finished(runs)
    rows = rows[rows["method"] == method]
    return {
        int(seed): 100 * float(top1)
        for seed, top1 in zip(rows["seed"], rows["test_top1"], strict=True)
    }


def _same(at: pd.DataFrame, one: str, other: str) -> bool:
    """Tell whether two methods came to the same network, as they may when α, β or γ is 1."""
    shape = ["macs", "params", "activations", "px"]
    first = [at.loc[at["method"] == method, shape].iloc[0] for method in (one, other)]
    return bool((first[0] == first[1]).all())


def _budgets(runs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    if len(runs):
        grown = runs[runs["method"].isin(METHODS) & (runs["phi"] > 0)]
        for _, at in grown.groupby("phi", sort=True):
            yield at


def _rivals(at: pd.DataFrame) -> list[str]:
    present = set(at["method"])
    return [m for m in METHODS[1:] if m in present] if "compound" in present else []


def _gains_at(at: pd.DataFrame) -> list[dict[str, object]]:
    rivals = _rivals(at)
    differences = [paired_difference(scores(at, "compound"), scores(at, r)) for r in rivals]
    adjusted = holm([difference.p_value for difference in differences])
    return [
        _gain(at, rival, difference, p)
        for rival, difference, p in zip(rivals, differences, adjusted, strict=True)
    ]


def _gain(at: pd.DataFrame, rival: str, difference: Difference, p: float) -> dict[str, object]:
    same = _same(at, "compound", rival)
    return {
        "phi": float(at["phi"].iloc[0]),
        "growth_target": float(at["growth_target"].iloc[0]),
        "rival": rival,
        "compound_growth": _growth(at, "compound"),
        "rival_growth": _growth(at, rival),
        "n": difference.n,
        "gain_points": difference.mean,
        "low_points": difference.low,
        "high_points": difference.high,
        "p_value": difference.p_value,
        "p_adjusted": p,
        "verdict": "same network" if same else verdict_of(difference.mean, p),
    }


def _growth(at: pd.DataFrame, method: str) -> float:
    return float(at.loc[at["method"] == method, "growth"].iloc[0])


def _contest(at: pd.DataFrame) -> Contest | None:
    twins = tuple(rival for rival in _rivals(at) if _same(at, "compound", rival))
    apart = [method for method in METHODS if method not in twins]
    top1 = {method: by for method in apart if (by := scores(at, method))}
    if not top1:
        return None
    # The largest mean; an exact tie goes to compound, whose verdict then says "no difference".
    leader = max(top1, key=lambda method: sum(top1[method].values()) / len(top1[method]))
    others = tuple(method for method in top1 if method != leader)
    differences = tuple(paired_difference(top1[leader], top1[other]) for other in others)
    adjusted = holm([difference.p_value for difference in differences])
    return Contest(
        phi=float(at["phi"].iloc[0]),
        growth_target=float(at["growth_target"].iloc[0]),
        leader=leader,
        leader_top1=mean_interval(list(top1[leader].values())),
        others=others,
        differences=differences,
        verdicts=tuple(verdict_of(d.mean, p) for d, p in zip(differences, adjusted, strict=True)),
        twins=twins,
    )


def _sentence(contest: Contest) -> str:
    cost = f"{contest.growth_target:.3g} × the base's cost"
    return f"At {cost} (φ = {contest.phi:g}), {_finding(contest)}."


def _finding(contest: Contest) -> str:
    leader, score = contest.word(contest.leader), f"{contest.leader_top1.mean:.1f} %"
    by_verdict: dict[Verdict, list[str]] = {}
    for other, verdict in zip(contest.others, contest.verdicts, strict=True):
        by_verdict.setdefault(verdict, []).append(contest.word(other))
    beaten = by_verdict.get("better", [])
    # A leader by mean can lose on shared seeds where runs failed: evidence both ways is no verdict.
    level = by_verdict.get("no difference found", []) + by_verdict.get("worse", [])
    if not contest.others:
        return f"only {leader} finished ({score} test top-1), so nothing is compared"
    if not beaten and not level:
        return f"{leader} has the highest test top-1 ({score}), but a single run proves nothing"
    if not beaten:
        return f"no difference found between {_listed([leader, *level])}"
    rest = f"; no difference found between it and {_listed(level)}" if level else ""
    if len(beaten) == len(contest.others):
        return f"{leader} is best here: {score} test top-1, {_lead(contest)}"
    return f"{leader} has the highest mean ({score}) and beats {_listed(beaten)}{rest}"


def _lead(contest: Contest) -> str:
    pairs = zip(contest.differences, contest.others, strict=True)
    nearest, other = min(pairs, key=lambda pair: pair[0].mean)
    return (
        f"{nearest.mean:.1f} points above {contest.word(other)} (95 % interval "
        f"{nearest.low:.1f} to {nearest.high:.1f}, n = {nearest.n})"
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
