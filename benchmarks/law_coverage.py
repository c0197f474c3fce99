"""Claim: 95 % intervals of `scaling-search law` hold in 93 to 97 % of simulated worlds.

Peer: a nested bootstrap (networks with replacement, seeds within them, each time refitted from the
grid; percentiles), on the same worlds. A world is a law that is known: networks at φ = -2 … 2 whose
mean errors scatter about it by `network_sd`, their trainings about those by `seed_sd`. What counts
is how often the interval holds the exponent, and the mean error at 2 and 4 times the largest size.

    python benchmarks/law_coverage.py [--worlds 1000] [--nested 60] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.stats import Floats
from scaling_search.law.fit import fit_law
from scaling_search.law.intervals import Data, allows_error, allows_exponent
from scaling_search.pretrained.scores import wilson

HALF, WHOLE = tuple(np.arange(-2, 2.5, 0.5)), (-2.0, -1.0, 0.0, 1.0, 2.0)
BEYOND = (2.0, 4.0)
ASKED = ("exponent", "error at 2 ×", "error at 4 ×")
BOOTSTRAPS = 200


@dataclass(frozen=True)
class World:
    """A law and how networks and trainings scatter about it, in fractions."""

    floor: float
    scale: float
    exponent: float
    seed_sd: float = 0.009
    network_sd: float = 0.0
    seeds: int = 3
    phis: tuple[float, ...] = HALF

    @property
    def sizes(self) -> Floats:
        """Of the networks, over the base's."""
        return np.array([2.0**phi for phi in self.phis])

    def error(self, size: float) -> float:
        """What is true."""
        return self.floor + self.scale * math.pow(size, -self.exponent)

    def trainings(self, rng: np.random.Generator) -> Floats:
        """Errors, a row a network."""
        truths = np.array([self.error(float(size)) for size in self.sizes])
        networks = truths + self.network_sd * rng.normal(size=len(truths))
        return networks[:, None] + self.seed_sd * rng.normal(size=(len(truths), self.seeds))


WORLDS = (
    World(0.1, 0.4, 0.3),
    World(0.1, 0.4, 0.3, network_sd=0.004),
    World(0.25, 0.25, 0.5),
    World(0.25, 0.25, 0.5, network_sd=0.004),
    World(0.3, 0.2, 1.0),
    World(0.25, 0.25, 0.5, phis=WHOLE),
    World(0.25, 0.25, 0.5, seed_sd=0.004, seeds=5),
    World(0.05, 0.45, 0.15),
)


def profile(world: World, rng: np.random.Generator) -> list[bool]:
    """Whether each of our intervals holds the truth in one draw of a world."""
    data = (world.sizes, world.trainings(rng).mean(axis=1), np.ones(len(world.phis)))
    law = fit_law(*data)
    largest = float(world.sizes.max())
    sizes = [times * largest for times in BEYOND]
    held = [allows_error(law, data, size, world.error(size)) for size in sizes]
    return [allows_exponent(law, data, world.exponent), *held]


def nested(world: World, rng: np.random.Generator) -> list[bool]:
    """The same of the peer's."""
    trainings, largest = world.trainings(rng), float(world.sizes.max())
    count, seeds = len(world.phis), world.seeds
    drawn = []
    for _ in range(BOOTSTRAPS):
        networks = rng.integers(0, count, size=(count,))
        picked = rng.integers(0, seeds, size=(count, seeds))
        errors = trainings[networks[:, None], picked].mean(axis=1)
        data: Data = (world.sizes[networks], errors, np.ones(count))
        law = fit_law(*data)
        drawn.append([law.exponent, *(law.error(times * largest) for times in BEYOND)])
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    truth = [world.exponent, *(world.error(times * largest) for times in BEYOND)]
    return [bool(a <= t <= b) for a, t, b in zip(low, truth, high, strict=True)]


Method = Callable[[World, np.random.Generator], list[bool]]


def coverage(name: str, method: Method, worlds: int) -> pd.DataFrame:
    """One row a world and quantity: the share of draws that held, and its 95 % interval."""
    rows = []
    for number, world in enumerate(WORLDS if worlds else ()):
        draws = [method(world, np.random.default_rng((number, draw))) for draw in range(worlds)]
        for asked, share in zip(ASKED, np.array(draws).mean(axis=0), strict=True):
            held = wilson(float(share), worlds)
            rows.append(
                {
                    **{"intervals": name, "floor": world.floor, "scale": world.scale},
                    **{"exponent": world.exponent, "networks": len(world.phis)},
                    **{"seeds": world.seeds, "seed_sd": world.seed_sd},
                    **{"network_sd": world.network_sd, "of": asked, "draws": worlds},
                    **{"held": held.value, "held_low": held.low, "held_high": held.high},
                }
            )
    return pd.DataFrame(rows)


def page(found: pd.DataFrame) -> str:
    """The README: all rows, and how many worlds are within what was claimed."""
    lines = ["# How often intervals of a law hold\n"]
    for name, rows in found.groupby("intervals", sort=False):
        within = rows["held"].between(0.93, 0.97)
        lines.append(
            f"{name}: held in {rows['held'].mean():.1%} of all draws; {int(within.sum())} of "
            f"{len(rows)} rows lie within 93 to 97 %, from {rows['held'].min():.1%} to "
            f"{rows['held'].max():.1%}.\n"
        )
    shown = found.assign(
        held=[
            f"{100 * row['held']:.1f} [{100 * row['held_low']:.1f}, {100 * row['held_high']:.1f}]"
            for row in found.to_dict("records")
        ]
    ).drop(columns=["held_low", "held_high"])
    heads = {"held": "held (%) [95 %]", "floor": "ε∞", "scale": "β", "exponent": "c"}
    table = shown.rename(columns=heads)
    body = tabulate(table.to_numpy(), list(table.columns), tablefmt="pipe", disable_numparse=True)
    return "\n".join([*lines, body, "\nMade by `python benchmarks/law_coverage.py`.\n"])


def main() -> None:
    """Simulate, print the page and write it with its numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000, help="draws of each world")
    parser.add_argument("--nested", type=int, default=60, help="of these the peer gets so many")
    parser.add_argument("--out", type=Path, help="write README.md and coverage.csv there")
    asked = parser.parse_args()
    found = pd.concat(
        [
            coverage("profile", profile, asked.worlds),
            coverage("nested bootstrap", nested, asked.nested),
        ],
        ignore_index=True,
    )
    print(page(found))
    if asked.out is not None:
        text = found.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        write_atomically(asked.out / "coverage.csv", text)
        write_atomically(asked.out / "README.md", page(found))


if __name__ == "__main__":
    main()
