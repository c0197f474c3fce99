"""The networks that a run can speak of: each method's at any size, with what to expect of it.

A method's accuracy at a size is read off its own networks, linear in the logarithm of the cost
(`compare.networks.Networks.at_cost`): measured where the network itself was trained, interpolated
between its neighbours, and extrapolated on the line through the nearest two up to `LINE_REACH`
times the largest, or down to as small a part of the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from scaling_search.compare.contrasts import Estimate
from scaling_search.compare.family import Member, family
from scaling_search.compare.methods import BASE, COMPOUND, Method
from scaling_search.compare.networks import MethodAtPhi, Networks, Weights, less
from scaling_search.compare.rival_names import OFFICIAL
from scaling_search.compare.rivals import name_of, rival_member
from scaling_search.core.errors import UserError
from scaling_search.experiment.run_comparison import RunComparison
from scaling_search.recommend.costs import Costs

LINE_REACH = 2.0
"""So many times beyond what was measured a line is followed, and no further."""
_NORMAL = 1.96  # standard deviations of a 95 % interval
Standing = Literal["measured", "interpolated", "extrapolated"]


@dataclass(frozen=True, eq=False)
class NetworkOption:
    """A network of a method at a φ: its costs and what to expect of it.

    `expected` is its mean test top-1 in percent with a 95 % interval (nan where nothing tells the
    scatter), `one_sd` how far single trainings scatter about that, `validation` its mean validation
    top-1 in percent, by which networks are chosen. `n` counts its own trainings.
    """

    member: Member
    costs: Mapping[str, float]
    expected: Estimate
    one_sd: float
    validation: float
    standing: Standing
    n: int
    weights: Weights

    @property
    def method(self) -> Method:
        """How it was grown."""
        return self.member.method

    @property
    def phi(self) -> float:
        """Of its family."""
        return self.member.phi


@dataclass(frozen=True, eq=False)
class Options:
    """All networks that a run's comparison can say something of."""

    comparison: RunComparison

    @cached_property
    def costs(self) -> Costs:
        """What each network costs."""
        return Costs(self.comparison)

    @cached_property
    def test(self) -> Networks:
        """The networks with their test top-1 in percent."""
        return Networks.of(self.comparison.runs)

    @cached_property
    def validation(self) -> Networks:
        """The same with validation top-1."""
        runs = self.comparison.runs
        return Networks.of(runs.assign(test_top1=runs["validation_top1"]))

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The methods of which a network was measured, but for the base."""
        return tuple(dict.fromkeys(key[0] for key in self.test.places if key[0] != BASE))

    def growths(self, method: Method) -> tuple[float, ...]:
        """The costs over the base's at which a method was measured, rising, the base among them."""
        measured = {growth for key, growth in self.test.growths.items() if key[0] in (BASE, method)}
        return tuple(sorted(measured))

    def ends(self, method: Method) -> tuple[float, float]:
        """The least and the largest cost over the base's that a method can be followed to."""
        measured = self.growths(method)
        return measured[0] / LINE_REACH, measured[-1] * LINE_REACH

    def at(self, method: Method, growth: float) -> Member | None:
        """The method's network whose cost over the base's is nearest to this; None without one."""
        step = math.log(self.comparison.experiment.study.budget.growth)
        phi = round(math.log(growth) / step, 2)
        member = self._member(method, phi)
        return None if member is None else self._trained(member) or member

    def measured(self, method: Method) -> Iterator[Member]:
        """The method's networks that were trained, the base among them."""
        for member in self.comparison.members:
            if member.method in (BASE, method) and self.test.count((member.method, member.phi)):
                yield member

    def option(self, member: Member) -> NetworkOption:
        """The member with what to expect of it."""
        weights, key = self._weights(self.test, member), self._key(member)
        (expected,) = self.test.estimate([weights])
        if key is None:
            expected = _widened(expected, self.miss)
        near = self.test.places[key or self._nearest(member)]
        return NetworkOption(
            member,
            self.costs.known(member),
            expected,
            math.sqrt(float(self.test.scatter.variances[near])),
            self.chosen_by(member),
            "measured" if key else self._standing(member),
            self.test.count(key) if key else 0,
            weights,
        )

    def difference(self, left: NetworkOption, right: NetworkOption) -> Estimate:
        """left - right in test top-1, in points."""
        (estimate,) = self.test.estimate([less(left.weights, right.weights)])
        return estimate

    def expected(self, member: Member) -> float:
        """The mean test top-1 to expect, in percent."""
        return self.test.mean(self._weights(self.test, member))

    def chosen_by(self, member: Member) -> float:
        """The mean validation top-1 to expect, in percent."""
        return self.validation.mean(self._weights(self.validation, member))

    @cached_property
    def miss(self) -> float:
        """How far, in points (root mean square), lines between two networks miss one in between.

        nan where no network lies between two others of its method.
        """
        misses = []
        for key, index in self.test.places.items():
            curve = {g: self.test.places[k] for k, g in self._curve(key[0]).items() if k != key}
            growth = self.test.growths[key]
            if key[0] != BASE and len(curve) > 1 and min(curve) < growth < max(curve):
                low, high = max(g for g in curve if g < growth), min(g for g in curve if g > growth)
                part = math.log(growth / low) / math.log(high / low)
                read = self.test.mean({curve[low]: 1 - part, curve[high]: part})
                misses.append(read - self.test.mean({index: 1.0}))
        return float(np.sqrt(np.mean(np.square(misses)))) if misses else math.nan

    def _curve(self, method: Method) -> dict[MethodAtPhi, float]:
        growths = self.test.growths
        return {key: growth for key, growth in growths.items() if key[0] in (BASE, method)}

    def _member(self, method: Method, phi: float) -> Member | None:
        """The network of a method at a φ; None where none can be made, or its time is unknown."""
        experiment = self.comparison.experiment
        study, base = experiment.study, experiment.base
        members = {(each.method, each.phi): each for each in self.comparison.members}
        if phi == 0:
            return members[BASE, 0.0]
        if (method, phi) in members or method == OFFICIAL:
            return members.get((method, phi))
        try:
            if method == COMPOUND:
                kind = study.compare.family
                point = self.comparison.coefficients
                (member,) = family(base, point, (phi,), study.budget, kind, experiment.meter)
                return member
            rival = next(each for each in study.compare.rivals if name_of(each) == method)
            return rival_member(base, study.budget, rival, phi, experiment.meter)
        except UserError:
            return None

    def _trained(self, member: Member) -> Member | None:
        """The member of the comparison that is this very network, trained as this φ would be."""
        by_phi = bool(self.comparison.experiment.study.recipe.by_phi)
        for other in self.comparison.members:
            same = other.architecture == member.architecture
            same_method = other.method in (BASE, member.method)
            alike = other.phi == member.phi or not by_phi
            if same and same_method and alike and self.test.count((other.method, other.phi)):
                return other
        return None

    def _nearest(self, member: Member) -> MethodAtPhi:
        curve = self._curve(member.method)
        return min(curve, key=lambda key: abs(math.log(curve[key] / member.growth)))

    def _key(self, member: Member) -> MethodAtPhi | None:
        """Where the network itself was trained; None where it wasn't."""
        trained = self._trained(member)
        return (trained.method, trained.phi) if trained else None

    def _weights(self, networks: Networks, member: Member) -> Weights:
        key = self._key(member)
        if key is not None:
            return {networks.places[key]: 1.0}
        method, phi = self._nearest(member)
        if method == BASE:  # its line is the method's all the same
            keys = [k for k in self._curve(member.method) if k[0] != BASE]
            method, phi = min(keys, key=lambda k: self.test.growths[k])
        return networks.at_cost(method, phi, member.growth)

    def _standing(self, member: Member) -> Standing:
        measured = self.growths(member.method)
        within = measured[0] <= member.growth <= measured[-1]
        return "interpolated" if within else "extrapolated"


def _widened(read: Estimate, miss: float) -> Estimate:
    """What was read off a line, with an interval that counts how far such lines miss as well."""
    if math.isnan(miss) or math.isnan(read.low):
        return read
    half = math.hypot(read.high - read.value, _NORMAL * miss)
    return replace(read, low=read.value - half, high=read.value + half)
