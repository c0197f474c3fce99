"""What limits the answer: what selection saw, single runs, left-over cost, failures."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from scaling_search.compare.networks import Networks
from scaling_search.report.cells import p_text
from scaling_search.report.comparison_table import comparison_table, failure_counts
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding

# Rounding leaves a few per cent over at most growths; beyond this a rival had visibly more or
# less to spend, and the reader must be told.
GROWTH_SLACK_PERCENT = 5.0


def notes(constants: Constants | None, runs: pd.DataFrame, search: pd.DataFrame) -> list[str]:
    """Return what limits the answer: what selection saw, single runs, left-over cost, failures."""
    return [
        *_selection(constants),
        *_errors(runs),
        *_seeds(runs),
        *_left_over(runs),
        *_failures(runs, search),
    ]


def gate_notes(constants: Constants | None, gate: tuple[GateFinding, ...] | None) -> list[str]:
    """Return how the proxy fared where there is nothing to say against it."""
    if constants is None or gate:
        return []
    if gate is None:
        return ["The gate was not run: nothing shows that this proxy lets each axis grow."]
    return [
        "The proxy passes the gate: no axis grown alone is worse than the base, no network is near "
        "chance or still learning fast at its end, and the base's last map has 4 px or more."
    ]


def _selection(constants: Constants | None) -> Iterator[str]:
    if constants is not None:
        yield (
            "The search saw the training and validation splits alone; it never saw the test split, "
            "which the comparison reads once per finished network."
        )
        yield (
            "A finalist's validation score is one that it was chosen by: luck helped it there, and "
            "fresh seeds will not reach it. The comparison's seeds are new to the search."
        )
        if constants.seeds < 2:
            yield "The search's winner is a single run in full: its choice could be luck."


def _errors(runs: pd.DataFrame) -> Iterator[str]:
    scatter = Networks.of(runs).scatter
    if not (scatter.freedoms > 0).any():
        return
    yield (
        "Differences are at equal cost: the rival's accuracy is read off the line through its own "
        "networks, linear in the logarithm of the cost, and the line's error counts too. Their "
        "95 % intervals hold all together, over every φ and rival, and p values are adjusted alike "
        "(multivariate t)."
    )
    if scatter.pooled:
        sd, freedom = math.sqrt(scatter.variances[0]), scatter.freedoms[0]
        yield (
            f"One training scatters by {sd:.2f} points (standard deviation, pooled over all "
            f"networks, {freedom:.0f} degrees of freedom), which every interval rests on."
        )
    else:
        yield (
            "Networks scatter differently (Brown and Forsythe's test, p "
            f"{_compared(scatter.unequal_p)}), so that each has its own error and its own degrees "
            "of freedom."
        )


def _compared(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _seeds(runs: pd.DataFrame) -> Iterator[str]:
    table = comparison_table(runs).numbers
    single = int((table["n"] == 1).sum())
    if single:
        yield f"{single} of {len(table)} networks are single runs, without any interval."
    few = table["n"].max() if len(table) else 0
    if 2 <= few < 5:
        yield (
            f"With at most {few} seeds a network, “no difference found” means that these runs show "
            "none, not that there is none."
        )


def _left_over(runs: pd.DataFrame) -> Iterator[str]:
    table = comparison_table(runs).numbers
    off = table[table["left_over_percent"].abs() > GROWTH_SLACK_PERCENT]
    cases = [
        f"{row['method']} at φ = {row['phi']:g} really grew {row['growth']:.2f} × instead of "
        f"{row['growth_target']:.2f} × ({row['left_over_percent']:+.1f} %)"
        for row in off.to_dict("records")
    ]
    if cases:
        listed = "; ".join(cases)
        yield f"Cost is not equal everywhere, since layers come in whole numbers: {listed}."


def _failures(runs: pd.DataFrame, search: pd.DataFrame) -> Iterator[str]:
    for frame, kind in ((runs, "trainings of the comparison"), (search, "candidates")):
        failed = failure_counts(frame) if len(frame) else ""
        if failed:
            count = int((frame["status"] != "finished").sum())
            yield f"{count} of {len(frame)} {kind} did not finish: {failed}."
