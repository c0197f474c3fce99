"""A star's results as if it had been trained: scores that lie on surfaces which are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.data.request import DataInfo
from scaling_search.experiment.comparison import Comparison
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.study import Study
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from scaling_search.star.points import StarPoints, star_points
from scaling_search.star.sweep import StarSweep, size_of, star_networks
from tests.trainings import finished

PAPER = Coefficients(1.2, 1.1, 1.15)
SWEEP = StarSweep((2, 4, 8), seeds=2, score="error")
STUDY = Study("known", base="efficientnet-b0", compare=Comparison(constants=PAPER))
IMAGES = DataInfo("images", tuple("abcdefghij"), 3, 224, 45_000, 5_000, 10_000, 0, "0" * 16)
EXPERIMENT = Experiment(STUDY, IMAGES)
BASE = zoo.get("efficientnet-b0").fitted(num_classes=10)
NETWORKS = star_networks(BASE, PAPER, SWEEP)
CENTRE = NETWORKS[0].network
C = 0.5
Result = Callable[[TrainJob], Finished | None]


def error(network: Architecture, share: float) -> float:
    """Of a network trained with this share of the centre's longest compute.

    On each arm the other two dimensions are those of the centre, so that it is that arm's surface.
    The exponents are 0.5 / 1.0, 0.5 / 1.0 and 0.5 / 2.5.
    """
    sizes = [size_of(network, axis) / size_of(CENTRE, axis) for axis in SWEEP.axes]
    depth, width, side = (float(np.log(size)) for size in sizes)
    shrinking = 0.08 * (np.exp(-0.7 * depth) + np.exp(-0.5 * width) + np.exp(-1.5 * side))
    growing = 0.1 * (np.exp(0.3 * depth) + np.exp(0.5 * width) + np.exp(1.0 * side))
    return float(shrinking + growing * share**-C)


def trained(luck: float = 0.001) -> Result:
    """The result of each training; its two seeds lie so far apart about a luck of its network."""
    rng = np.random.default_rng(5)
    drawn: dict[str, float] = {}
    longest = length_of(CENTRE, 8)

    def find(job: TrainJob) -> Finished:
        network = job.architecture
        assert isinstance(network, Architecture)
        mine = drawn.setdefault(job.own_hash, luck * float(rng.normal()))
        return finished(1 - error(network, job.mac_images / longest) - mine)

    return find


def length_of(network: Architecture, epochs: int) -> int:
    """The MACs × images of such a training."""
    return EXPERIMENT.network_job(network, epochs, 0, SWEEP.phi).mac_images


def points(find: Result | None = None, sweep: StarSweep = SWEEP) -> StarPoints:
    """The star's points by these results."""
    networks = [each for each in NETWORKS if each.axis in sweep.axes]
    return star_points(EXPERIMENT, networks, sweep, find or trained())


def but_for(find: Result, seed: int, epochs: int) -> Result:
    """The results without those of a seed at a length."""
    return lambda job: None if (job.seed, job.epochs) == (seed, epochs) else find(job)


def of_score(score: str) -> StarSweep:
    """The same sweep, scored otherwise."""
    return replace(SWEEP, score=score)  # type: ignore[arg-type]
