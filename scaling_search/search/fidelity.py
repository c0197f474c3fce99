"""Is a cheap training to be believed? How far two conditions order the candidates alike.

A condition is a table of validation top-1, one row a candidate and one column a seed. Two of them
agree as far as Kendall's τ-b says: (1 + τ) / 2 of all pairs of candidates stand in the same order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from scaling_search.core.stats import mean_interval, pooled_error
from scaling_search.search.kendall import (
    kendall,
    means,
    normal_tau,
    reliability,
    samples,
    tau_interval,
)

AgreementKind = Literal["length", "seed", "growth", "data set", "study"]

# Below three networks there is no order to speak of.
LEAST = 3
_NAN = math.nan


@dataclass(frozen=True)
class Agreement:
    """How far condition B orders `n` candidates as condition A does, and what A's winner loses.

    `tau` is Kendall's τ-b between the means over seeds, [`low`, `high`] its 95 % interval (nan
    below 6 candidates). `ceiling` is the τ that the seeds' noise would leave if both conditions
    ordered the networks alike and each had noise of its own (nan with one seed). `seed_tau` is
    the mean τ of one seed under A with another seed under B (nan where there is no other).
    `winner` is A's best, `best` B's; `regret_points` is how many percentage points of top-1 under
    B the winner lies below the best, with its 95 % interval (nan where nothing is known of the
    scatter).
    """

    tau: float
    low: float
    high: float
    n: int
    ceiling: float
    seed_tau: float
    winner: str
    best: str
    regret_points: float
    regret_low: float
    regret_high: float

    @property
    def tied(self) -> bool:
        """Whether B's evidence can't tell A's winner from the best."""
        return not self.regret_low > 0


@dataclass(frozen=True)
class Compared:
    """Two conditions in words and their agreement.

    `where` names the run, or the two of them; of `candidates` there were, `agreement.n` could be
    compared. `distance` is the mean distance of networks that were matched (nan where they are the
    same): the part of the growth that one of the two spends on another axis.
    """

    kind: AgreementKind
    where: str
    left: str
    right: str
    agreement: Agreement
    candidates: int
    distance: float = _NAN


def scores(curves: pd.DataFrame, epochs: int) -> pd.DataFrame:
    """Candidate × seed: the validation top-1 at the end of trainings of that length.

    `curves` is a table of trainings (`search.curve_table`); a candidate of which a seed is missing
    or failed is left out.
    """
    last = curves[(curves["epochs"] == epochs) & (curves["epoch"] == epochs)]
    return last.pivot(index="network", columns="seed", values="validation_top1").dropna()


def lengths(curves: pd.DataFrame) -> list[int]:
    """The lengths of training, in epochs, that enough candidates have in full; rising.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.search.curve_table import read_curves
        >>> from scaling_search.search.fidelity import lengths
        >>> lengths(read_curves(Path("results/tabular/cifar10-growth-2/curves.csv")))
        [3, 8]
    """
    epochs_run = sorted({int(epochs) for epochs in curves["epochs"].unique()})
    return [epochs for epochs in epochs_run if len(scores(curves, epochs)) >= LEAST]


def agreement(left: pd.DataFrame, right: pd.DataFrame, seed: int = 0) -> Agreement:
    """Compare the candidates that two conditions share; below 3 of them nothing can be said.

    The interval of τ is `tau_interval`'s, drawn by `seed`.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.search.fidelity import agreement
        >>> names = ["deeper", "wider", "finer", "even"]
        >>> short = pd.DataFrame({0: [0.50, 0.52, 0.51, 0.55]}, index=names)  # candidate × seed
        >>> full = pd.DataFrame({0: [0.70, 0.71, 0.72, 0.74]}, index=names)
        >>> found = agreement(short, full)
        >>> round(found.tau, 2), found.winner, found.best
        (0.67, 'even', 'even')
    """
    common = [name for name in left.index if name in right.index]
    if len(common) < LEAST:
        return _nothing(len(common))
    a, b = left.loc[common], right.loc[common]
    winner, best = (str(table.mean(axis=1).idxmax()) for table in (a, b))
    tau, low, high = tau_interval([(means(a), means(b))], seed)
    top = normal_tau(math.sqrt(reliability(a) * reliability(b)))
    apart = [kendall(means(a[[i]]), means(b[[j]])) for i in a for j in b if i != j]
    seed_tau = float(np.mean(apart)) if apart else _NAN
    regret = _regret(b, winner)
    return Agreement(tau, low, high, len(common), top, seed_tau, winner, best, *regret)


def winner_shift(curves: pd.DataFrame) -> Compared | None:
    """The last length of training against the one before, where their winners differ; or None."""
    reached = lengths(curves)
    if len(reached) < 2:
        return None
    short, long = reached[-2:]
    agreed = agreement(scores(curves, short), scores(curves, long))
    candidates = curves["network"].nunique()
    if agreed.winner == agreed.best:
        return None
    return Compared("length", "", epochs_text(short), epochs_text(long), agreed, candidates)


def epochs_text(number: int) -> str:
    """The length of a training in words.

    Examples:
        >>> from scaling_search.search.fidelity import epochs_text
        >>> epochs_text(1), epochs_text(8)
        ('1 epoch', '8 epochs')
    """
    return "1 epoch" if number == 1 else f"{number} epochs"


def _nothing(n: int) -> Agreement:
    return Agreement(_NAN, _NAN, _NAN, n, _NAN, _NAN, "", "", _NAN, _NAN, _NAN)


def seed_agreement(table: pd.DataFrame, seed: int = 0) -> Agreement:
    """Compare one seed with another: the mean over all pairs of seeds of one condition.

    The regret is that of a single seed's winner under the mean of the others, which did not take
    part in choosing it; its interval is Student's over the seeds.
    """
    columns = [table[[column]] for column in table.columns]
    pairs = [(means(a), means(b)) for a, b in combinations(columns, 2)]
    tau, low, high = tau_interval(pairs, seed)
    winners = [str(column.mean(axis=1).idxmax()) for column in columns]
    without = [table.drop(columns=column) for column in table.columns]
    lost = mean_interval(
        [_gap(remaining, won) for remaining, won in zip(without, winners, strict=True)]
    )
    best = str(table.mean(axis=1).idxmax())
    regret = (lost.mean, max(0.0, lost.low), lost.high)
    return Agreement(tau, low, high, len(table), _NAN, tau, winners[0], best, *regret)


def _gap(table: pd.DataFrame, winner: str) -> float:
    """How far the winner lies below the best of the others, in points; below 0 if it is best."""
    points = 100 * table.mean(axis=1)
    rivals = points.drop(winner)
    return float(rivals.max() - points[winner]) if len(rivals) else 0.0


def _regret(table: pd.DataFrame, winner: str) -> tuple[float, float, float]:
    """The regret and its interval by Hsu's multiple comparisons with the best.

    The best is picked from noisy means, and so is taken as one of k - 1 comparisons (Bonferroni),
    with the candidates' pooled scatter.
    """
    gap, rivals, seeds = _gap(table, winner), len(table) - 1, table.shape[1]
    sd, freedom = pooled_error(samples(table)) if rivals else (math.nan, 0)
    if not freedom:
        return max(0.0, gap), math.nan, math.nan
    error = 100 * sd * math.sqrt(2 / seeds)
    half = float(stats.t.ppf(1 - 0.05 / rivals, freedom)) * error
    return max(0.0, gap), max(0.0, gap - half), max(0.0, gap + half)
