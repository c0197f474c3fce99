"""The answer in words, and every reservation that a reader must know with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from scaling_search.compare.sentences import verdict_sentences
from scaling_search.report.cells import interval_text
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding
from scaling_search.search.verdict import WITHIN_POINTS


def answer(constants: Constants | None, runs: pd.DataFrame) -> list[str]:
    """Return what was found, in two sentences: the constants, and the verdict at the largest φ."""
    point = [] if constants is None else [_constants(constants)]
    verdicts = verdict_sentences(runs)[-1:]
    return (point + verdicts) or ["Nothing has finished yet, so there is no answer."]


def further_sentences(
    constants: Constants | None, runs: pd.DataFrame, search: pd.DataFrame
) -> list[str]:
    """Return the verdicts at smaller φ, then how sure the constants are; the ties come last."""
    verdicts = verdict_sentences(runs)[:-1]
    return verdicts if constants is None else [*verdicts, *_certainty_sentences(constants, search)]


def gate_sentences(gate: tuple[GateFinding, ...] | None) -> list[str]:
    """Return what speaks against the proxy itself, which a reader must know before the answer.

    Examples:
        >>> from scaling_search.report.answer import gate_sentences
        >>> from scaling_search.search.gate import GateFinding
        >>> gate_sentences((GateFinding("width is still learning fast", "train for longer"),))[1]
        'Width is still learning fast: train for longer.'
    """
    if not gate:
        return []
    first = "Don't build on the constants below: the proxy does not pass the gate."
    return [first, *(_capital(finding.sentence) for finding in gate)]


def missing_sentence(missing: Sequence[str], limit_hours: float | None = None) -> str:
    """Return what an unfinished run has yet to do, in one sentence; nothing of a finished one.

    `limit_hours`: it has ended, and left that out to do with so many hours.

    Examples:
        >>> from scaling_search.report.answer import missing_sentence
        >>> missing_sentence(["2 of the gate's 8 trainings", "the comparison"])
        "This run is not finished; still to come: 2 of the gate's 8 trainings, the comparison."
    """
    if not missing:
        return ""
    if limit_hours is not None:
        hours = f"{limit_hours:g} hour" + ("" if limit_hours == 1 else "s")
        left_out = ", ".join(missing)
        return f"To end within {hours} this run left out {left_out}; the same command goes on."
    return f"This run is not finished; still to come: {', '.join(missing)}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _certainty_sentences(constants: Constants, search: pd.DataFrame) -> Iterator[str]:
    yield _regret(constants)
    yield _region(constants)
    yield _certainty(constants, search)


def _constants(constants: Constants) -> str:
    point = constants.coefficients
    alpha = _constant("α", point.alpha, constants.alpha)
    beta = _constant("β", point.beta, constants.beta)
    gamma = _constant("γ", point.gamma, constants.gamma)
    return (
        f"The constants found are {alpha} for depth, {beta} for width and {gamma} for resolution "
        "(in brackets: the values that give this very network)."
    )


def _constant(letter: str, point: float, interval: tuple[float, float]) -> str:
    return f"{letter} = {interval_text(point, *interval)}"


def _regret(constants: Constants) -> str:
    verdict = constants.verdict
    return (
        f"At φ = {constants.target_phi:g} the best of all candidates is expected to lie "
        f"{verdict.expected_regret_points:.2f} points above the constants found, "
        f"{constants.after_an_hour_points:.2f} after another hour of training; they are within "
        f"{WITHIN_POINTS:g} points of it with a probability of {verdict.p_within:.0%}."
    )


def _region(constants: Constants) -> str:
    verdict = constants.verdict
    spans = (("α", verdict.alpha), ("β", verdict.beta), ("γ", verdict.gamma))
    named = ", ".join(f"{letter} in {low:.2f}–{high:.2f}" for letter, (low, high) in spans)
    return (
        f"With 95 % probability each, the best constants have {named}. The candidates cover "
        f"{constants.coverage:.0%} of the ways to share the growth."
    )


def _certainty(constants: Constants, search: pd.DataFrame) -> str:
    ties = len(constants.ties) - 1
    seeds = f"{constants.seeds} seeds" if constants.seeds > 1 else "a single run"
    basis = (
        f"P(best) = {constants.p_best:.2f} for the winner, from {seeds} in full; "
        f"{constants.finalists} of {constants.trained} candidates tried were trained in full, of "
        f"{constants.candidates} distinct ones"
    )
    if ties < 1:
        return f"{basis}; no other candidate ties with it."
    words = "one other candidate" if ties == 1 else f"{ties} other candidates"
    remark = _untried(constants, search) + _spread(search)
    return f"{basis}; the evidence can't tell {words} from it{remark}."


def _untried(constants: Constants, search: pd.DataFrame) -> str:
    """Say how many of the ties are judged by their neighbours alone."""
    untried = len(set(constants.ties) - set(search["network"])) if len(search) else 0
    return f", {untried} of them never tried" if untried else ""


def _spread(search: pd.DataFrame) -> str:
    """Say over which constants the ties spread."""
    tied = search[search["tie"].astype(bool)] if len(search) else search
    if len(tied) < 2:
        return ""
    names = (("α", "alpha"), ("β", "beta"), ("γ", "gamma"))
    spans = [f"{letter} {tied[name].min():.2f}–{tied[name].max():.2f}" for letter, name in names]
    return f" (together they span {', '.join(spans)})"
