"""The errors of each method's networks by their sizes, from what runs comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_search.compare.contrasts import scatter_of
from scaling_search.compare.methods import BASE, Method, in_order
from scaling_search.compare.networks import finished
from scaling_search.core.hashing import digest
from scaling_search.core.stats import Floats
from scaling_search.experiment.run_comparison import RunComparison
from scaling_search.law.intervals import Data

TIMES_CHANCE = 3.0  # times chance, which accuracies below are near


@dataclass(frozen=True)
class Sizes:
    """A method's distinct networks by rising MACs: mean test errors (fractions), n trainings each.

    `weights` are inversely proportional to the variance of each mean, as the scatter of all the
    runs' trainings gives it, 1 on average. `chance` is the error of guessing. `runs` names them.
    """

    runs: str
    method: Method
    macs: tuple[int, ...]
    errors: tuple[float, ...]
    weights: tuple[float, ...]
    counts: tuple[int, ...]
    chance: float

    @property
    def data(self) -> Data:
        """As `law.fit.fit_law` takes it."""
        return self._arrays(len(self.macs))

    @property
    def without_largest(self) -> Data:
        """The same, its largest network left out."""
        return self._arrays(len(self.macs) - 1)

    @property
    def is_near_chance(self) -> bool:
        """Whether a network is so near to guessing that errors bend towards that."""
        return 1 - max(self.errors) < TIMES_CHANCE * (1 - self.chance)

    def _arrays(self, count: int) -> Data:
        columns: list[Floats] = [
            np.array(values[:count], dtype=np.float64)
            for values in (self.macs, self.errors, self.weights)
        ]
        return columns[0], columns[1], columns[2]


def sizes_of(runs: Sequence[tuple[str, RunComparison]]) -> tuple[Sizes, ...]:
    """Every method's networks, the base among them; runs on the same images, alike trained and of
    one base, are taken together.
    """
    groups: dict[str, list[tuple[str, RunComparison]]] = {}
    for name, comparison in runs:
        groups.setdefault(_alike(comparison), []).append((name, comparison))
    return tuple(each for group in groups.values() for each in _of_group(group))


def _alike(comparison: RunComparison) -> str:
    """What two runs must share for their networks to be comparison."""
    study, experiment = comparison.experiment.study, comparison.experiment
    return digest(
        [
            experiment.info.fingerprint,
            study.recipe,
            study.compare.epochs,
            experiment.base.fingerprint,
        ]
    )


def _of_group(group: Sequence[tuple[str, RunComparison]]) -> Iterator[Sizes]:
    names, frames = zip(*((name, finished(each.runs)) for name, each in group), strict=True)
    keys = ["fingerprint", "recipe", "seed", "method"]
    rows = pd.concat(frames, ignore_index=True).drop_duplicates(keys)
    chance = 1 - 1 / len(group[0][1].experiment.info.classes)
    for method in in_order(rows["method"]):
        if method != BASE:
            of_method = rows[rows["method"].isin([BASE, method])]
            yield _of_method(" + ".join(names), method, of_method, chance)


def _of_method(runs: str, method: Method, rows: pd.DataFrame, chance: float) -> Sizes:
    once = rows.drop_duplicates(["fingerprint", "recipe", "seed"]).sort_values("macs")
    groups = [each for _, each in once.groupby(["macs", "fingerprint", "recipe"], sort=True)]
    samples = [(1 - each["test_top1"].astype(float)).to_list() for each in groups]
    scatter = scatter_of(samples)
    counts = np.array([len(sample) for sample in samples], dtype=np.float64)
    has_scatter = np.isfinite(scatter.variances) & (scatter.variances > 0)
    inverse = np.where(
        has_scatter.all(), counts / np.where(has_scatter, scatter.variances, 1.0), counts
    )
    return Sizes(
        runs,
        method,
        tuple(int(each["macs"].iloc[0]) for each in groups),
        tuple(float(np.mean(sample)) for sample in samples),
        tuple((inverse / inverse.mean()).tolist()),
        tuple(len(sample) for sample in samples),
        chance,
    )
