"""The networks of a comparison, each once, with the test accuracies of their trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from scaling_search.compare.contrasts import Estimate, Scatter, scatter_of, simultaneous
from scaling_search.compare.methods import BASE, Method
from scaling_search.core.stats import Interval

# Between networks of nearly one cost a difference is scatter, and a slope would magnify it.
_LEAST_APART = math.log(1.05)

MethodAtPhi = tuple[Method, float]
"""Method and φ."""
Weights = Mapping[int, float]
"""Of a linear combination of networks' means, by the networks' places."""


def finished(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that ended with an accuracy.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.compare.networks import finished
        >>> runs = pd.DataFrame({"seed": [0, 1, 2], "status": ["finished", "diverged", "finished"]})
        >>> finished(runs)["seed"].tolist()
        [0, 2]
    """
    return runs[runs["status"] == "finished"] if len(runs) else runs


@dataclass(frozen=True)
class Networks:
    """Test top-1 in percent of every training by network, and what each method's networks cost.

    Methods that came to one network, trained alike, share its place in `samples`. `growths` is the
    real growth over the base in the budget's resource.

    Examples:
        >>> from scaling_search.compare.networks import Networks
        >>> places = {("base", 0.0): 0, ("compound", 1.0): 1}
        >>> networks = Networks(((70.0, 72.0), (74.0, 75.0)), places, growths={})
        >>> networks.count(("base", 0.0)), networks.mean({1: 1.0, 0: -1.0})
        (2, 3.5)
    """

    samples: tuple[tuple[float, ...], ...]
    places: Mapping[MethodAtPhi, int]
    growths: Mapping[MethodAtPhi, float]

    @classmethod
    def of(cls, runs: pd.DataFrame) -> Networks:
        """The networks of which a training finished."""
        done = finished(runs)
        numbers, scores = dict[tuple[str, str], int](), list[dict[int, float]]()
        places, growths = dict[MethodAtPhi, int](), dict[MethodAtPhi, float]()
        for row in done.to_dict("records"):
            trained_as = (str(row["fingerprint"]), str(row["recipe"]))
            index = numbers.setdefault(trained_as, len(numbers))
            if index == len(scores):
                scores.append({})
            scores[index][int(row["seed"])] = 100 * float(row["test_top1"])
            key = (str(row["method"]), float(row["phi"]))
            places[key], growths[key] = index, float(row["growth"])
        return cls(tuple(tuple(by.values()) for by in scores), places, growths)

    @cached_property
    def scatter(self) -> Scatter:
        """How far single trainings scatter about the means of their networks."""
        return scatter_of(self.samples)

    def count(self, key: MethodAtPhi) -> int:
        """How many trainings of a network finished."""
        return len(self.samples[self.places[key]]) if key in self.places else 0

    def interval(self, key: MethodAtPhi, level: float = 0.95) -> Interval:
        """A network's mean with the interval that the scatter of all gives it, by itself.

        Without an interval where the network has a single training.
        """
        n = self.count(key)
        if not n:
            return Interval(math.nan, math.nan, math.nan, 0, math.nan)
        index = self.places[key]
        mean, freedom = float(np.mean(self.samples[index])), float(self.scatter.freedoms[index])
        if n < 2:
            return Interval(mean, math.nan, math.nan, n, math.nan)
        sd = math.sqrt(float(self.scatter.variances[index]))
        half = float(stats.t.ppf((1 + level) / 2, freedom)) * sd / math.sqrt(n)
        return Interval(mean, mean - half, mean + half, n, sd)

    def at_cost(self, method: Method, phi: float, growth: float) -> Weights:
        """A method's accuracy at another cost than its network's of φ, as weights of means.

        Linear in the logarithm of the cost along the method's own networks, the base among them:
        between the two about that cost, beyond them all on the line through the nearest two. A
        method that has but one network is taken as it is.
        """
        member = (method, phi)
        curve = {self.growths[member]: self.places[member]}
        for key, index in self.places.items():
            if key[0] in (BASE, method) and all(_apart(self.growths[key], g) for g in curve):
                curve[self.growths[key]] = index
        if len(curve) < 2 or math.isclose(self.growths[member], growth, rel_tol=1e-9):
            return {self.places[member]: 1.0}
        low, high = _about(sorted(curve), growth)
        part = math.log(growth / low) / math.log(high / low)
        return {curve[low]: 1 - part, curve[high]: part}

    def mean(self, combination: Weights) -> float:
        """A linear combination of the means."""
        return math.fsum(w * float(np.mean(self.samples[p])) for p, w in combination.items())

    def estimate(self, combinations: Sequence[Weights]) -> tuple[Estimate, ...]:
        """Estimate linear combinations of the means so that all intervals hold together."""
        weights = np.zeros((len(combinations), len(self.samples)))
        for row, combination in zip(weights, combinations, strict=True):
            for index, weight in combination.items():
                row[index] = weight
        return simultaneous(self.samples, weights)


def less(left: Weights, right: Weights) -> Weights:
    """The difference of two linear combinations.

    Examples:
        >>> from scaling_search.compare.networks import less
        >>> less({0: 1.0}, {0: 0.25, 1: 0.75})
        {0: 0.75, 1: -0.75}
    """
    indices = {*left, *right}
    return {index: left.get(index, 0.0) - right.get(index, 0.0) for index in indices}


def _apart(first: float, other: float) -> bool:
    """Whether two costs differ by enough to say how accuracy grows from one to the other."""
    return abs(math.log(first / other)) >= _LEAST_APART


def _about(growths: Sequence[float], growth: float) -> tuple[float, float]:
    """The two of these, which rise, that lie about a growth, or nearest to it at an end."""
    above = next((n for n, each in enumerate(growths) if each > growth), len(growths))
    high = min(max(above, 1), len(growths) - 1)
    return growths[high - 1], growths[high]
