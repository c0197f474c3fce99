"""What compound scaling gains over each of its rivals at equal cost, as a table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from scaling_search.arch.scaling import AXIS_NAMES
from scaling_search.compare.contrasts import Estimate
from scaling_search.compare.methods import BASE, COMPOUND, Method, in_order
from scaling_search.compare.networks import Networks, Weights, less
from scaling_search.core.stats import DifferenceVerdict, verdict_of
from scaling_search.search.shares import ALIKE, Shares, distance

# Less than this is no reason to prefer one way of growing to another.
EQUIVALENT_POINTS = 0.5
GainVerdict = DifferenceVerdict | Literal["same network"]
GAIN_COLUMNS = (
    *("phi", "growth_target", "rival", "shares_apart", "compound_growth", "rival_growth"),
    *("n_compound", "n_rival", "compound_percent", "raw_points"),
    *("gain_points", "low_points", "high_points", "p_value", "p_adjusted"),
    *("equivalent", "verdict"),
)
Row = Mapping[Hashable, object]


def gains(runs: pd.DataFrame) -> pd.DataFrame:
    """Compare compound scaling with each rival at each φ but 0, in points of test top-1.

    A row a φ and rival. `gain_points` is compound's mean less the rival's at compound's cost, along
    the rival's own networks (`Networks.at_cost`); `raw_points` is the difference of the two
    networks as they are. Errors are pooled, the intervals of all rows hold together with 95 %, and
    `p_adjusted` is adjusted for all rows (`contrasts.simultaneous`). `equivalent`: the whole
    interval lies within half a point of 0. `shares_apart` is the part of the growth that the two
    spend on other axes. A rival of which nothing finished is "not compared" rather than left out.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.compare.gains import gains
        >>> top1 = {"compound": [0.74, 0.75, 0.76], "depth": [0.70, 0.71, 0.72]}
        >>> runs = pd.DataFrame(top1).melt(var_name="method", value_name="test_top1")
        >>> deep = runs["method"].map({"compound": 0.4, "depth": 1.0})
        >>> runs = runs.assign(depth_share=deep, width_share=1 - deep, resolution_share=0.0)
        >>> runs = runs.assign(phi=1.0, growth_target=2.0, growth=2.0, status="finished")
        >>> runs = runs.assign(seed=[0, 1, 2] * 2, fingerprint=runs["method"], recipe="the same")
        >>> for row in gains(runs).itertuples():
        ...     print(f"{row.gain_points:.1f} points over {row.rival} alone: {row.verdict}")
        4.0 points over depth alone: better
    """
    networks, pairs = Networks.of(runs), list(_pairs(runs))
    tested = [pair for pair in pairs if not pair.same and min(pair.counts(networks)) > 1]
    estimates = networks.estimate([pair.gain(networks) for pair in tested])
    by_pair = dict(zip(tested, estimates, strict=True))
    rows = [pair.row(networks, by_pair.get(pair)) for pair in pairs]
    return pd.DataFrame(rows, columns=list(GAIN_COLUMNS))


def is_near(shares_apart: float) -> bool:
    """Whether two networks share their growth alike.

    Examples:
        >>> from scaling_search.compare.gains import is_near
        >>> is_near(0.05), is_near(0.3)
        (True, False)
    """
    return shares_apart <= ALIKE


@dataclass(frozen=True)
class _Pair:
    """Compound scaling and a rival at one φ."""

    phi: float
    growth_target: float
    rival: Method
    growths: tuple[float, float]
    shares_apart: float
    same: bool

    def counts(self, networks: Networks) -> tuple[int, int]:
        """How many trainings of compound's network and of the rival's finished."""
        compound, rival = self._keys
        return networks.count(compound), networks.count(rival)

    def gain(self, networks: Networks) -> Weights:
        """The gain at compound's cost as weights of the networks' means."""
        compound, rival = self._keys
        at_cost = networks.at_cost(*rival, networks.growths[compound])
        return less({networks.places[compound]: 1.0}, at_cost)

    def row(self, networks: Networks, tested: Estimate | None) -> dict[str, object]:
        """The pair's line of the table; not tested, it has at most a value."""
        contrast = tested or self._untested(networks)
        compound, rival = (networks.interval(key).mean for key in self._keys)
        verdict: GainVerdict = verdict_of(contrast.value, contrast.p_adjusted)
        return {
            **{"phi": self.phi, "growth_target": self.growth_target, "rival": self.rival},
            "shares_apart": self.shares_apart,
            **dict(zip(("compound_growth", "rival_growth"), self.growths, strict=True)),
            **dict(zip(("n_compound", "n_rival"), self.counts(networks), strict=True)),
            "compound_percent": compound,
            "raw_points": math.nan if self.same else compound - rival,
            **{
                "gain_points": contrast.value,
                "low_points": contrast.low,
                "high_points": contrast.high,
            },
            **{"p_value": contrast.p_value, "p_adjusted": contrast.p_adjusted},
            "equivalent": max(-contrast.low, contrast.high) <= EQUIVALENT_POINTS,
            "verdict": "same network" if self.same else verdict,
        }

    def _untested(self, networks: Networks) -> Estimate:
        compared = not self.same and min(self.counts(networks)) > 0
        value = networks.mean(self.gain(networks)) if compared else math.nan
        return Estimate(value, math.nan, math.nan, math.nan, math.nan)

    @property
    def _keys(self) -> tuple[tuple[Method, float], tuple[Method, float]]:
        return (COMPOUND, self.phi), (self.rival, self.phi)


def _pairs(runs: pd.DataFrame) -> Iterator[_Pair]:
    """Each φ's rivals beside compound scaling, where it was asked for."""
    first = runs[runs["method"] != BASE].drop_duplicates(["phi", "method"]) if len(runs) else runs
    at: dict[float, dict[Method, Row]] = {}
    for row in first.to_dict("records"):
        at.setdefault(float(row["phi"]), {})[str(row["method"])] = row
    for phi, by in sorted(at.items()):
        rivals = in_order(by)[1:] if COMPOUND in by else []
        yield from (_pair(phi, by[COMPOUND], by[rival]) for rival in rivals)


def _pair(phi: float, compound: Row, rival: Row) -> _Pair:
    growths = (float(str(row["growth"])) for row in (compound, rival))
    return _Pair(
        phi=phi,
        growth_target=float(str(compound["growth_target"])),
        rival=str(rival["method"]),
        growths=(next(growths), next(growths)),
        shares_apart=distance(_shares(compound), _shares(rival)),
        same=compound["fingerprint"] == rival["fingerprint"],
    )


def _shares(row: Row) -> Shares:
    depth, width, resolution = (float(str(row[f"{axis}_share"])) for axis in AXIS_NAMES)
    return depth, width, resolution
