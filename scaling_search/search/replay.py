"""Searches replayed on a table of real trainings: what a plan would have found, and at what cost.

Every replay is another world with the same networks: a training's score is its candidate's mean at
that length plus the residuals of one real training, drawn anew for each candidate and seed. One
training's residuals at all lengths are drawn together, since a longer training goes on from a
shorter one's plateau and shares its luck. So there are as many fresh seeds as a plan asks for, and
the truth is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_search.errors import UserError
from scaling_search.jobs.job import Finished, TrainJob
from scaling_search.search.candidates import Candidate
from scaling_search.training.history import EpochRecord, Scores

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Landscape:
    """What a table says of its candidates: `means` (candidates × lengths) and their scatter.

    `residuals` (trainings × lengths) are what single trainings differ from their means by.
    `lengths` are in epochs, accuracies are fractions.
    """

    networks: tuple[str, ...]
    lengths: tuple[int, ...]
    means: Floats
    residuals: Floats

    @property
    def truth(self) -> Floats:
        """The accuracy of each candidate trained in full."""
        longest: Floats = self.means[:, -1]
        return longest

    @property
    def best(self) -> str:
        """The network that is best when trained in full."""
        return self.networks[int(self.truth.argmax())]

    def regret(self, network: str) -> float:
        """How much worse than the best this candidate is when trained in full, in points."""
        return float(100 * (self.truth.max() - self.truth[self.networks.index(network)]))


def landscape(curves: pd.DataFrame) -> Landscape:
    """The landscape of a table (`tabular.curves`) in which every training is there.

    The means of few seeds scatter more than the true ones do. They are drawn together until
    their covariance over the lengths is that of the means less that of their error, so that
    neither a best candidate nor a faithful proxy is made of noise. Raises UserError when
    trainings are missing or there are fewer than two seeds.
    """
    ended = curves[curves["epoch"] == curves["epochs"]]
    scores = ended.pivot_table("validation_top1", ["network", "seed"], "epochs", sort=False)
    seeds = scores.groupby("network", sort=False).size()
    if scores.isna().any(axis=None) or seeds.nunique() != 1 or seeds.iloc[0] < 2:
        raise UserError(
            "a replay needs every candidate trained at every length from the same 2 seeds or "
            f"more, got {len(ended)} trainings of {len(seeds)} candidates: finish the table"
        )
    cube = scores.to_numpy().reshape(len(seeds), int(seeds.iloc[0]), -1)
    raw = cube.mean(axis=1)
    freed = cube.shape[1] / (cube.shape[1] - 1)
    residuals = ((cube - raw[:, None]) * freed**0.5).reshape(-1, cube.shape[2])
    means = _without_error(raw, np.cov(residuals.T, bias=True) / cube.shape[1])
    return Landscape(
        tuple(map(str, seeds.index)), tuple(map(int, scores.columns)), means, residuals
    )


def _without_error(means: Floats, error: Floats) -> Floats:
    """The means drawn together until `error` is taken out of their covariance."""
    found = np.atleast_2d(np.cov(means.T))
    root, true_root = _root(found), _root(found - error)
    shrunk: Floats = (
        means.mean(axis=0) + (means - means.mean(axis=0)) @ np.linalg.pinv(root) @ true_root
    )
    return shrunk


def _root(matrix: Floats) -> Floats:
    """The symmetric square root; what is negative (by chance) counts as nothing."""
    values, vectors = np.linalg.eigh(np.atleast_2d(matrix))
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    return root


class World:
    """One replay: how every training turns out here, drawn when it is asked for first.

    `known` says what each job trains (`known_jobs`).
    """

    def __init__(
        self, ground: Landscape, known: Mapping[str, tuple[int, int, int]], seed: int
    ) -> None:
        self._ground, self._known = ground, known
        self._rng = np.random.default_rng(seed)
        self._luck: dict[tuple[int, int], int] = {}

    def result(self, job: TrainJob) -> Finished:
        """How this training ends in this world, whoever asks."""
        candidate, length, seed = self._known[job.hash]
        if (candidate, seed) not in self._luck:
            self._luck[candidate, seed] = int(self._rng.integers(len(self._ground.residuals)))
        luck = self._ground.residuals[self._luck[candidate, seed], length]
        top1 = float(self._ground.means[candidate, length] + luck)
        return Finished((EpochRecord(job.epochs, 0.0, Scores(math.nan, top1, math.nan), 0.0),))


def spent_mac_images(jobs: Iterable[TrainJob]) -> int:
    """What these trainings cost together, in forward multiply-adds × images.

    A longer training goes on from where the plateau of a shorter one of the same candidate and
    seed ends, so only what is really trained counts: the shorter's fall is the price of its rung.
    """
    plateaus: dict[str, list[TrainJob]] = {}
    for job in {job.hash: job for job in jobs}.values():
        plateaus.setdefault(job.plateau_hash, []).append(job)
    return sum(_spent(sorted(rungs, key=lambda job: job.epochs)) for rungs in plateaus.values())


def _spent(rungs: Sequence[TrainJob]) -> int:
    per_step = rungs[0].mac_images / rungs[0].epochs / _steps(rungs[0], 1)
    saved = sum(job.recipe.plateau_steps(_steps(job, job.epochs)) for job in rungs[:-1])
    return round(per_step * (sum(_steps(job, job.epochs) for job in rungs) - saved))


def _steps(job: TrainJob, epochs: int) -> int:
    return job.train_images // job.recipe.batch_size * epochs


def known_jobs(
    ground: Landscape,
    pool: Sequence[Candidate],
    make: Callable[[Candidate, int, int], TrainJob],
    seeds: int,
) -> dict[str, tuple[int, int, int]]:
    """For each training's hash: candidate (row of the landscape), length (column) and seed."""
    rows = {name: row for row, name in enumerate(ground.networks)}
    return {
        make(candidate, epochs, seed).hash: (rows[candidate.name], column, seed)
        for candidate in pool
        for column, epochs in enumerate(ground.lengths)
        for seed in range(seeds)
    }
