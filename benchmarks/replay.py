"""Searches replayed on tables of real trainings: what a plan would have found, and at what cost.

Every replay is another world with the same networks. What is true there is drawn from what the
table leaves open (the posterior of `search.curve_gp` over all of its trainings), so a replay does
not take the table's own luck for the truth; a training's scores are its network's true ones plus
the residuals of one real training, drawn anew for each network and seed. One training's residuals
at all lengths, of top-1 and of the loss, are drawn together, since a longer training goes on from a
shorter one's plateau. So there are as many fresh seeds as a plan asks for, and the truth is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from scaling_search.search.candidates import Candidate
from scaling_search.search.curve_gp import CurveGP, SeedScores
from scaling_search.search.curve_kernel import Level, Points
from scaling_search.search.measurement import Combination, SeedGroup, combination
from scaling_search.search.posterior import likeliest_parameters
from scaling_search.search.search import Grow, MakeJob
from scaling_search.training.history import EpochRecord, Scores

Floats = NDArray[np.float64]

TOP1, LOSS = 0, 1


@dataclass(frozen=True, eq=False)
class Table:
    """The trainings of one search's networks: networks × seeds × lengths × (top-1 points, loss)."""

    networks: tuple[str, ...]
    shares: Floats
    lengths: tuple[int, ...]
    phi: float
    scores: Floats

    @cached_property
    def residuals(self) -> Floats:
        """What single trainings differ from their network's means by: trainings × lengths × 2."""
        seeds = self.scores.shape[1]
        unbiased = float(np.sqrt(seeds / (seeds - 1)))
        apart: Floats = unbiased * (self.scores - self.scores.mean(axis=1, keepdims=True))
        return apart.reshape(-1, *self.scores.shape[2:])


def complete(curves: pd.DataFrame) -> pd.DataFrame:
    """The trainings of the seeds that every network has at every length; a table may be growing."""
    ended = curves[curves["epoch"] == curves["epochs"]]
    have = ended.groupby("seed").size()
    whole = ended["network"].nunique() * ended["epochs"].nunique()
    return curves[curves["seed"].isin(have[have == whole].index)]


def table(curves: pd.DataFrame, pool: Sequence[Candidate], phi: float = 1.0) -> Table:
    """A table (`tabular.curves`) in which every training is there.

    Raises UserError when trainings are missing or there are fewer than two seeds.
    """
    ended = curves[curves["epoch"] == curves["epochs"]]
    columns = ["validation_top1", "validation_loss"]
    scores = ended.pivot_table(columns, ["network", "seed"], "epochs", sort=False)
    seeds = scores.groupby("network", sort=False).size()
    if scores.isna().any(axis=None) or seeds.nunique() != 1 or seeds.iloc[0] < 2:
        raise UserError(
            "a replay needs every candidate trained at every length from the same 2 seeds or "
            f"more, got {len(ended)} trainings of {len(seeds)} candidates: finish the table"
        )
    lengths = sorted(ended["epochs"].unique())
    cube = np.stack([scores[column][lengths].to_numpy() for column in columns], axis=-1)
    cube = cube.reshape(len(seeds), int(seeds.iloc[0]), len(lengths), 2) * (100.0, 1.0)
    shares = {candidate.name: candidate.shares for candidate in pool}
    names = tuple(map(str, seeds.index))
    rows = np.array([shares[name] for name in names])
    return Table(names, rows, tuple(map(int, lengths)), phi, cube)


@dataclass(frozen=True, eq=False)
class Landscape:
    """What one table, or two of one base at two φ, say of the networks of the first.

    `target` is the φ at which the networks are judged, at the longest training.
    """

    tables: tuple[Table, ...]

    @cached_property
    def phis(self) -> tuple[float, ...]:
        """The φ of the tables; the last is that of the answer."""
        return tuple(each.phi for each in self.tables)

    @cached_property
    def levels(self) -> list[tuple[float, int]]:
        """Every (φ, epochs) at which a network of the first table can be trained."""
        return [(each.phi, epochs) for each in self.tables for epochs in each.lengths]

    def level(self, phi: float, epochs: int) -> Level:
        """How far a (φ, epochs) is from what the networks are judged at."""
        return Level(float(np.log2(self.tables[-1].lengths[-1] / epochs)), self.phis[-1] - phi)

    @cached_property
    def combinations(self) -> dict[tuple[float, int], Combination]:
        """How top-1 and loss go together at each level."""
        return {level: combination(groups) for level, groups in self._groups.items()}

    @cached_property
    def _groups(self) -> dict[tuple[float, int], list[SeedGroup]]:
        found: dict[tuple[float, int], list[SeedGroup]] = {}
        begin = 0
        for each in self.tables:
            for column, epochs in enumerate(each.lengths):
                level = self.level(each.phi, epochs)
                found[each.phi, epochs] = [
                    SeedGroup(begin + row, level, dict(enumerate(map(_scores, seeds[:, column]))))
                    for row, seeds in enumerate(each.scores)
                ]
            begin += len(each.networks)
        return found

    @cached_property
    def process(self) -> CurveGP:
        """Top-1 alone, of every training of the tables."""
        rows = [
            SeedScores(
                group.candidate, group.level, {s: 100 * v.top1 for s, v in group.scores.items()}
            )
            for groups in self._groups.values()
            for group in groups
        ]
        return CurveGP(np.concatenate([each.shares for each in self.tables]), rows)

    @cached_property
    def truths(self) -> tuple[Floats, Floats]:
        """Mean and root of the covariance of the true top-1 at all levels, networks × levels."""
        networks = range(len(self.tables[0].networks))
        points = [(i, self.level(*level)) for i in networks for level in self.levels]
        parameters = likeliest_parameters(self.process)
        mean, covariance = self.process.at(parameters, Points.of(points))
        values, vectors = np.linalg.eigh(covariance)
        return mean, vectors * np.sqrt(np.maximum(values, 0.0))


def _scores(values: Floats) -> Scores:
    return Scores(float(values[LOSS]), float(values[TOP1]) / 100, float("nan"))


class World:
    """One replay: what is true here, and how every training turns out, drawn when it is asked for.

    `known` says what each job trains: network, level and seed.
    """

    def __init__(
        self, ground: Landscape, known: Mapping[str, tuple[int, int, int]], seed: int
    ) -> None:
        self._ground, self._known = ground, known
        self._rng = np.random.default_rng(seed)
        self._drawn: dict[tuple[int, float, int], int] = {}
        mean, root = ground.truths
        drawn = mean + root @ self._rng.standard_normal(len(mean))
        self.top1 = drawn.reshape(-1, len(ground.levels))
        self._losses = self._true_losses()

    @property
    def truth(self) -> Floats:
        """The accuracy in points of each network trained in full at the φ of the answer."""
        return np.asarray(self.top1[:, -1])

    def regret(self, network: int) -> float:
        """How much worse than the best this network is, in points."""
        return float(self.truth.max() - self.truth[network])

    def result(self, job: TrainJob) -> Finished:
        """How this training ends in this world, whoever asks."""
        network, level, seed = self._known[job.hash]
        phi, epochs = self._ground.levels[level]
        table = next(each for each in self._ground.tables if each.phi == phi)
        key = (network, phi, seed)
        if key not in self._drawn:
            self._drawn[key] = int(self._rng.integers(len(table.residuals)))
        apart = table.residuals[self._drawn[key], table.lengths.index(epochs)]
        top1 = float(self.top1[network, level] + apart[TOP1])
        loss = float(self._losses[network, level] + apart[LOSS])
        # Long trainings take the time that their steps do: an hour is as many as in the table.
        return Finished((EpochRecord(epochs, 0.0, Scores(loss, top1 / 100, 0.0), 0.0),))

    def _true_losses(self) -> Floats:
        """Losses that go with the accuracies as in the table, but for a term of their own."""
        losses = np.empty_like(self.top1)
        for column, level in enumerate(self._ground.levels):
            known = self._ground.combinations[level]
            own = np.sqrt(known.own_variance) * self._rng.standard_normal(len(losses))
            away = self.top1[:, column] + own - known.centre_points
            losses[:, column] = known.centre_nats - away / known.points_per_nat
        return losses


def known_jobs(
    ground: Landscape, pool: Sequence[Candidate], make: MakeJob, grow: Grow, seeds: int
) -> dict[str, tuple[int, int, int]]:
    """For each training's hash: network (row of the landscape), level and seed."""
    rows = {name: row for row, name in enumerate(ground.tables[0].networks)}
    return {
        make(grow(candidate, phi), epochs, seed, phi).hash: (rows[candidate.name], level, seed)
        for candidate in pool
        for level, (phi, epochs) in enumerate(ground.levels)
        for seed in range(seeds)
    }
