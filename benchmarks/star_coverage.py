"""Claim: 95 % intervals of `scaling-search star` hold in 93 % or more of simulated stars, and its F
test finds a bend in no more than 5 % of those whose best sizes keep to one straight line.

A world is a surface of each dimension that is known: scores of networks from the centre down, for
several lengths of training, that scatter by `sd`, and by `network_sd` alike for all lengths of one
network. What counts is how often an interval holds a dimension's exponent and its share of the
growth, and how often the test says that best sizes bend. In `bent` worlds they do.

    python benchmarks/star_coverage.py [--draws 300] [--out FOLDER]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.stats import Floats
from scaling_search.pretrained.scores import wilson
from scaling_search.star.fit import Star
from scaling_search.star.intervals import (
    allows_exponent,
    allows_share,
    shares_of,
    straightness,
)
from scaling_search.star.surface import Swept

POWERS = np.array([1.0, 1.0, 2.0])  # of blocks, squared channels and sides in MACs
SIGNIFICANT = 0.05
ASKED = ("exponents", "shares")


@dataclass(frozen=True)
class Arm:
    """A dimension's surface: α x^-a + (β x^b t^-(c + bend · log t) + ξ t^-c) + ε."""

    alpha: float
    a: float
    beta: float
    b: float
    xi: float
    epsilon: float
    bend: float = 0.0


@dataclass(frozen=True)
class World:
    """Three arms, how fast all learn, and how scores scatter about them."""

    name: str
    arms: tuple[Arm, Arm, Arm]
    c: float
    sd: float
    network_sd: float = 0.0
    sizes: int = 6
    step: float = 0.8
    epochs: tuple[int, ...] = (2, 4, 8)

    @property
    def exponents(self) -> Floats:
        """What is true."""
        return np.array([self.c / (arm.a + arm.b) for arm in self.arms])

    @property
    def is_bent(self) -> bool:
        """Whether best sizes leave the straight line."""
        return any(arm.bend for arm in self.arms)

    def draw(self, rng: np.random.Generator) -> Star:
        """A star of this world."""
        lengths = len(self.epochs)
        centre = self.sd * rng.normal(size=lengths)
        sweeps = tuple(
            self._arm(arm, power, centre, rng) for arm, power in zip(self.arms, POWERS, strict=True)
        )
        networks = 1 + len(self.arms) * (self.sizes - 1)
        return Star(sweeps, networks * lengths)

    def _arm(self, arm: Arm, power: float, centre: Floats, rng: np.random.Generator) -> Swept:
        lengths = len(self.epochs)
        x = np.repeat(self.step ** np.arange(self.sizes), lengths)
        t = x**power * np.tile(np.array(self.epochs) / max(self.epochs), self.sizes)
        luck = self.sd * rng.normal(size=len(x))
        luck[:lengths] = centre
        networks = self.network_sd * rng.normal(size=self.sizes)
        networks[0] = 0.0
        bent = np.exp(-arm.bend * np.log(t) ** 2)
        truth = arm.alpha * x**-arm.a + arm.epsilon
        truth = truth + (arm.beta * x**arm.b * bent + arm.xi) * t**-self.c
        weights = np.where(x == 1, 1 / len(self.arms), 1.0)
        return Swept(x, t, truth + luck + np.repeat(networks, lengths), weights)


SLOW = (
    Arm(0.1, 0.5, 0.06, 0.4, 0.1, 0.1),
    Arm(0.1, 0.6, 0.06, 0.6, 0.1, 0.1),
    Arm(0.1, 1.0, 0.06, 1.0, 0.1, 0.1),
)
FAST = (
    Arm(0.05, 0.8, 0.1, 0.7, 0.15, 0.2),
    Arm(0.08, 0.4, 0.1, 0.4, 0.1, 0.2),
    Arm(0.03, 1.5, 0.08, 1.0, 0.1, 0.2),
)
_BENT = (replace(FAST[0], bend=0.3), *FAST[1:])
WORLDS = (
    World("slow", SLOW, 0.35, sd=0.002),
    World("slow", SLOW, 0.35, sd=0.006),
    World("slow", SLOW, 0.35, sd=0.004, network_sd=0.002),
    World("slow", SLOW, 0.35, sd=0.004, step=0.7, epochs=(1, 2, 4, 8)),
    World("fast", FAST, 0.6, sd=0.002),
    World("fast", FAST, 0.6, sd=0.006),
    World("bent", _BENT, 0.6, sd=0.002),
)


def held(star: Star, world: World) -> tuple[list[bool], list[bool], bool]:
    """Of each dimension whether both intervals hold the truth, and whether a bend is found."""
    places = range(len(world.arms))
    truth, shares = world.exponents, shares_of(world.exponents, POWERS)
    exponents = [allows_exponent(star, place, float(truth[place])) for place in places]
    parts = [allows_share(star, place, POWERS, float(shares[place])) for place in places]
    return exponents, parts, straightness(star).p_value < SIGNIFICANT


def coverage(draws: int) -> pd.DataFrame:
    """One row a world: shares of its draws, with 95 % intervals."""
    rows = []
    for number, world in enumerate(WORLDS if draws else ()):
        drawn = [held(world.draw(np.random.default_rng((number, d))), world) for d in range(draws)]
        row: dict[str, object] = {
            **{"world": world.name, "sd": world.sd, "network_sd": world.network_sd},
            **{"sizes": world.sizes, "step": world.step, "lengths": len(world.epochs)},
            "draws": draws,
        }
        for name, place in (("exponents", 0), ("shares", 1)):
            values = np.array([each[place] for each in drawn])
            row |= {f"{name}_held": float(values.mean())}
            row |= {f"{name}_least_held": float(values.mean(axis=0).min())}
        row |= {"bend_found": float(np.mean([each[2] for each in drawn]))}
        rows.append(row)
    return pd.DataFrame(rows)


def page(found: pd.DataFrame) -> str:
    """The README: all rows, and what they say."""
    straight, bent = found[found["world"] != "bent"], found[found["world"] == "bent"]
    least = float(straight[["exponents_least_held", "shares_least_held"]].to_numpy().min())
    lines = [
        "# How often intervals of a star hold\n",
        f"Where best sizes are powers of compute, intervals hold exponents in "
        f"{straight['exponents_held'].mean():.1%} and shares in "
        f"{straight['shares_held'].mean():.1%} of all cases; the least of any dimension and world "
        f"is {least:.1%}. A bend "
        f"is found in {straight['bend_found'].mean():.1%} of these, and in "
        f"{bent['bend_found'].mean():.1%} where there is one.\n",
    ]
    shown = found.copy()
    for name in (*(f"{a}{b}" for a in ASKED for b in ("_held", "_least_held")), "bend_found"):
        shares = [
            wilson(float(share), int(n))
            for share, n in zip(found[name], found["draws"], strict=True)
        ]
        shown[name] = [
            f"{100 * each.value:.1f} [{100 * each.low:.1f}, {100 * each.high:.1f}]"
            for each in shares
        ]
    heads = [str(name).replace("_", " ") for name in shown]
    body = tabulate(shown.to_numpy(), heads, tablefmt="pipe", disable_numparse=True)
    note = "`held` is over all three dimensions, `least held` that of the worst one; percent."
    return "\n".join([*lines, body, f"\n{note} Made by `python benchmarks/star_coverage.py`.\n"])


def main() -> None:
    """Simulate, print the page and write it with its numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300, help="of each world")
    parser.add_argument("--out", type=Path, help="write README.md and coverage.csv there")
    asked = parser.parse_args()
    found = coverage(asked.draws)
    print(page(found))
    if asked.out is not None:
        text = found.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        write_atomically(asked.out / "coverage.csv", text)
        write_atomically(asked.out / "README.md", page(found))


if __name__ == "__main__":
    main()
