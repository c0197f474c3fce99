"""Does the comparison say the same once each network has the learning rate that suits it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from scaling_search.compare.frames import rates_frame, runs_frame
from scaling_search.compare.gains import gains
from scaling_search.compare.methods import BASE, Method, in_words, listed
from scaling_search.compare.networks import Networks
from scaling_search.compare.trainings import Trainings


@dataclass(frozen=True)
class RateCheck:
    """What each network came to at each rate (`rates_frame`), and what follows, in sentences."""

    tried: pd.DataFrame
    sentences: tuple[str, ...]


def rate_check(trainings: Trainings) -> RateCheck | None:
    """Hold the comparison at each network's best rate against that at the recipe's own.

    None where one rate alone is trained, or nothing has finished.
    """
    tried = rates_frame(trainings)
    if len(trainings.rates) < 2 or not len(tried):
        return None
    at_own_rate, best = runs_frame(trainings.at_own_rate()), runs_frame(trainings)
    sentences = (
        _order_sentence(at_own_rate, best, trainings.rates),
        *_at_an_end(tried, trainings.rates),
    )
    return RateCheck(tried, sentences)


def _order_sentence(at_own_rate: pd.DataFrame, best: pd.DataFrame, rates: tuple[float, ...]) -> str:
    """Whether the methods come in the same order at each φ, and whose verdict changes."""
    where = f"at each network's best rate, of {listed([f'{r:g}' for r in rates])} × the recipe's"
    turned = list(_turns(_means(at_own_rate), _means(best)))
    verdicts = "; ".join(_changes(at_own_rate, best)) or "no verdict changes"
    if not turned:
        return f"The order is the same {where}; {verdicts}."
    return f"The order is not the same {where}: {'; '.join(turned)}; {verdicts}."


def _means(runs: pd.DataFrame) -> dict[float, dict[Method, float]]:
    """Each method's mean test top-1 in percent at each φ but 0."""
    networks = Networks.of(runs)
    means: dict[float, dict[Method, float]] = {}
    for method, phi in networks.places:
        if method != BASE:
            means.setdefault(phi, {})[method] = networks.interval((method, phi)).mean
    return means


def _turns(
    before: dict[float, dict[Method, float]], after: dict[float, dict[Method, float]]
) -> Iterator[str]:
    """At which φ how many pairs of methods change places, and who is first now."""
    for phi, now in sorted(after.items()):
        was = before.get(phi, {})
        pairs = list(combinations([method for method in now if method in was], 2))
        turned = sum((now[a] - now[b]) * (was[a] - was[b]) < 0 for a, b in pairs)
        if turned:
            first, once = (max(means, key=lambda m: means[m]) for means in (now, was))
            instead = "" if first == once else f" instead of {in_words(once)}"
            places = f"{turned} of {len(pairs)} pairs change places"
            yield f"at φ = {phi:g} {in_words(first)} comes first{instead}, and {places}"


def _changes(at_own_rate: pd.DataFrame, best: pd.DataFrame) -> Iterator[str]:
    before, after = _verdicts(at_own_rate), _verdicts(best)
    for (phi, rival), verdict in after.items():
        was = before.get((phi, rival), verdict)
        if was != verdict:
            against = f"the verdict on {in_words(rival)} at φ = {phi:g}"
            yield f"{against} was “{was}” and is “{verdict}”"


def _verdicts(runs: pd.DataFrame) -> dict[tuple[float, Method], str]:
    rows = gains(runs).to_dict("records")
    return {(float(row["phi"]), str(row["rival"])): str(row["verdict"]) for row in rows}


def _at_an_end(tried: pd.DataFrame, rates: tuple[float, ...]) -> Iterator[str]:
    """Say where the best rate may lie beyond those that were checked."""
    chosen = tried[tried["chosen"]]
    ends = chosen[chosen["rate"].isin([min(rates), max(rates)])]
    if len(ends):
        yield (
            f"{len(ends)} of {len(chosen)} networks are best at the lowest or highest of these "
            "rates, so a still better one may lie beyond."
        )
