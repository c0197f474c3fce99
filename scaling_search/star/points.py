"""From a star's results to the points that its surfaces are fitted to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scaling_search.core.errors import UserError, require
from scaling_search.core.stats import Floats
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from scaling_search.search.search import Find
from scaling_search.star.fit import Star
from scaling_search.star.surface import Swept
from scaling_search.star.sweep import Score, StarNetwork, StarSweep


@dataclass(frozen=True, eq=False)
class StarPoints:
    """What a star's trainings reached, and how many of them are missing or failed.

    `frame` has one row an arm's network and length: axis, size, network, px, macs, epochs, compute
    (MACs × images of the whole training), score (its mean), n (trainings), weight (inversely
    proportional to the variance of the mean, as all networks of that length give it, 1 on average).
    `unit` is the variance of a mean of weight 1 by the scatter of seeds, of so many degrees of
    `seed_freedom` (nan and 0 for one seed).
    """

    frame: pd.DataFrame
    sweep: StarSweep
    missing: int
    unit: float
    seed_freedom: int

    @cached_property
    def star(self) -> Star:
        """The points as surfaces are fitted to; the centre's count once over all arms."""
        frame, arms = self.frame, len(self.sweep.axes)
        is_centre = frame["network_id"].duplicated(keep=False)
        weights = frame["weight"].to_numpy() / np.where(is_centre, arms, 1)
        sweeps = [
            _swept(frame[frame["axis"] == axis], weights[frame["axis"] == axis])
            for axis in self.sweep.axes
        ]
        once = frame.drop_duplicates(["network_id", "epochs"])
        return Star(tuple(sweeps), len(once))


def star_jobs(
    experiment: Experiment, networks: Sequence[StarNetwork], sweep: StarSweep
) -> Iterator[TrainJob]:
    """The trainings: each network for each length from each seed, without the test images.

    All by the recipe of the centre's φ.
    """
    distinct = {each.network.fingerprint: each.network for each in networks}
    for network in distinct.values():
        for epochs in sorted(sweep.epochs):
            for seed in range(sweep.seeds):
                yield experiment.network_job(network, epochs, seed, sweep.phi)


def star_points(
    experiment: Experiment, networks: Sequence[StarNetwork], sweep: StarSweep, find: Find
) -> StarPoints:
    """The points of what has finished; raises UserError while a network lacks every training."""
    rows = []
    jobs = {
        (job.architecture.fingerprint, job.epochs, job.seed): job
        for job in star_jobs(experiment, networks, sweep)
    }
    for each in networks:
        for epochs in sorted(sweep.epochs):
            trainings = [jobs[each.network.fingerprint, epochs, s] for s in range(sweep.seeds)]
            scores = list(_scores(trainings, find, sweep.score))
            if scores:
                rows.append(_row(each, trainings[0], scores))
    frame = pd.DataFrame(rows)
    require(len(frame) > 0, "a star needs finished trainings", 0)
    short = len({*networks}) * len(sweep.epochs) - len(frame)
    if short:
        raise UserError(
            f"a star needs a finished training of each network and length, got none for {short}: "
            "the same command goes on, with --retry-failed it tries failed ones again"
        )
    missing = len(jobs) - len(list(_scores(jobs.values(), find, sweep.score)))
    weighted, unit = _weighted(frame)
    once = frame.drop_duplicates(["network_id", "epochs"])
    freedom = int((once["n"] - 1).sum())
    return StarPoints(weighted.drop(columns="scores"), sweep, missing, unit, freedom)


def _scores(jobs: Iterable[TrainJob], find: Find, score: Score) -> Iterator[float]:
    for job in jobs:
        result = find(job)
        if isinstance(result, Finished):
            yield result.validation.loss if score == "loss" else 1 - result.validation.top1


def _row(each: StarNetwork, job: TrainJob, scores: list[float]) -> dict[str, object]:
    return {
        **{"axis": each.axis, "size": each.size, "network": each.network.name},
        **{"network_id": each.network.fingerprint, "px": each.network.resolution_px},
        **{"macs": job.mac_images // (job.train_images * job.epochs), "epochs": job.epochs},
        **{"compute": float(job.mac_images), "score": float(np.mean(scores)), "n": len(scores)},
        "scores": scores,
    }


def _weighted(frame: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """With the weight of each mean, and the variance that weight 1 stands for.

    Short trainings scatter more than long ones. Without two seeds of each length, weights are 1.
    """
    once = frame.drop_duplicates(["network_id", "epochs"])
    variances = {
        epochs: _pooled_variance(rows["scores"]) for epochs, rows in once.groupby("epochs")
    }
    weights: Floats = frame["n"].to_numpy(dtype=np.float64)
    if any(variance <= 0 for variance in variances.values()):
        return frame.assign(weight=weights / weights.mean()), math.nan
    weights = weights / frame["epochs"].map(variances).to_numpy(dtype=np.float64)
    return frame.assign(weight=weights / weights.mean()), 1 / float(weights.mean())


def _pooled_variance(samples: Iterable[list[float]]) -> float:
    several = [sample for sample in samples if len(sample) > 1]
    freedom = sum(len(sample) - 1 for sample in several)
    squares = sum(float(np.var(sample)) * len(sample) for sample in several)
    return squares / freedom if freedom else 0.0


def _swept(rows: pd.DataFrame, weights: Floats) -> Swept:
    size, compute = rows["size"].to_numpy(np.float64), rows["compute"].to_numpy(np.float64)
    score = rows["score"].to_numpy(np.float64)
    return Swept(size / size.max(), compute / compute.max(), score, weights)
