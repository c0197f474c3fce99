"""What a run found in a few lines that can be read aloud; the report has the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from scaling_search.compare.methods import BASE, COMPOUND, in_order, in_words, listed
from scaling_search.compare.networks import finished
from scaling_search.compare.sentences import verdict_sentences
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding
from scaling_search.search.verdict import WITHIN_POINTS

GateFindings = tuple[GateFinding, ...] | None
"""What speaks against the proxy; None where the gate has not been run."""


def summary_lines(constants: Constants | None, gate: GateFindings, runs: pd.DataFrame) -> list[str]:
    """Return what was found and how sure it is, a line each; none of what has not been done.

    A searched and compared study has four: the constants, how far to believe them, what each way
    of growing reached at the largest φ, and the verdict there.
    """
    return [*_constants_lines(constants, gate), *_comparison_lines(runs)]


def _constants_lines(constants: Constants | None, gate: GateFindings) -> Iterator[str]:
    if constants is None:
        return
    point, verdict = constants.coefficients, constants.verdict
    yield (
        f"With each step of φ, make the network {point.alpha:.2f} times deeper, {point.beta:.2f} "
        f"times wider, and its images {point.gamma:.2f} times larger."
    )
    best = f"These are the best of {constants.candidates} candidates with a probability of"
    near = f"within {WITHIN_POINTS:g} points of the best with {verdict.p_within:.0%}"
    yield f"{best} {constants.p_best:.0%}, {near}; {_proxy(gate)}."


def _proxy(gate: GateFindings) -> str:
    """Say whether the proxy they were found on may be believed."""
    if gate is None:
        return "no gate was run to see whether their proxy can be believed"
    if not gate:
        return "their proxy passes the gate"
    more = f", and {len(gate) - 1} more in the report" if len(gate) > 1 else ""
    return f"but don't build on them, for {gate[0].fault}{more}"


def _comparison_lines(runs: pd.DataFrame) -> Iterator[str]:
    done = finished(runs)
    grown = done[done["method"] != BASE] if len(done) else done
    if not len(grown):
        return
    last = grown[grown["phi"] == grown["phi"].max()]
    # Percent before means, as verdicts have them: both round alike.
    best = (100 * last["test_top1"]).groupby(last["method"]).mean()
    order = [*(m for m in in_order(best.index) if m != COMPOUND), COMPOUND]
    reached = listed([f"{in_words(m)} {best[m]:.1f} %" for m in order if m in best])
    base = 100 * done.loc[done["method"] == BASE, "test_top1"].mean()
    growth = f"{last['growth_target'].max():.3g} times"
    if pd.isna(base):  # it has not ended
        yield f"Of the test images, at {growth} the base's cost, {reached} are right."
    else:
        begin = f"Of the test images, the base gets {base:.1f} % right"
        yield f"{begin}; at {growth} its cost, {reached}."
    yield verdict_sentences(runs)[-1]
