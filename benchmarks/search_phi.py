"""Claim: a search that trains at φ = 2 as well finds better constants for φ = 2 than φ = 1 alone.

Peer: the same search with the same spending, all of it at φ = 1. Both are replayed on two tables of
one base, at a growth and at its square (`replay.py` says how a world is drawn), and judged by their
regret there: how much worse than the best network of φ = 2 the chosen one is, trained in full.

    python benchmarks/search_phi.py [--json] [--replays 200] [--write FILE.md]
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from claim import Claim, parser_of, print_claims
from replay import World
from search_cost import TABLES, Contender, Ground, read_ground, searched
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically
from scaling_search.search.plan import Rung, SearchPlan, Until

# In trainings of the median candidate in full at φ = 1.
SPENT = (12, 24, 48)
PEER = "φ = 1 alone"
GOAL = 1.0
RESAMPLES = 4000


@dataclass(frozen=True)
class Pair:
    """Two tables of one base, at a growth and at its square."""

    once: Path
    twice: Path

    @property
    def name(self) -> str:
        """What both have in common."""
        return self.once.name.removesuffix("-growth-2")


def pairs() -> list[Pair]:
    """The committed tables that belong together."""
    both = [
        Pair(each.parent, Path(str(each.parent).replace("-growth-2", "-growth-4")))
        for each in sorted(TABLES.glob("*-growth-2/curves.csv"))
    ]
    return [pair for pair in both if (pair.twice / "curves.csv").exists()]


def contenders(ground: Ground, spent: int) -> Iterator[Contender]:
    """The same search at φ = 1, at both, and at φ = 2, for the same multiply-adds × images."""
    short, full = ground.landscape.tables[0].lengths[0], ground.full_epochs
    once, twice = (_in_full(ground, phi) for phi in (1.0, 2.0))
    plan = SearchPlan("gp", seeds="adaptive", rungs=(Rung(full),))
    at_two = Until(trainings=spent * once / twice)
    both = (Rung(full), Rung(full, phi=2.0))
    yield Contender(PEER, spent, replace(plan, until=Until(trainings=float(spent))))
    yield Contender("φ = 1 and 2", spent, replace(plan, until=at_two, rungs=both))
    shorter = (Rung(short), Rung(full, phi=2.0))
    yield Contender("φ = 1, short, and 2", spent, replace(plan, until=at_two, rungs=shorter))
    yield Contender("φ = 2 alone", spent, replace(plan, until=at_two, rungs=both[1:]))


def _in_full(ground: Ground, phi: float) -> float:
    """What a training in full of the median candidate costs at this φ."""
    jobs = [ground.make(ground.grow(c, phi), ground.full_epochs, 0, phi) for c in ground.pool]
    return float(np.median([job.mac_images for job in jobs]))


def replay(pair: Pair, seed: int) -> pd.DataFrame:
    """One world: what each search finds in it, one row each."""
    ground = read_ground(pair.once, pair.twice)
    once, rows = _in_full(ground, 1.0), []
    for spent in SPENT:
        for contender in contenders(ground, spent):
            # Each has a world of its own, of the same truth: luck is not shared out between them.
            found = searched(ground, World(ground.landscape, ground.known, seed), contender)
            rows.append({**asdict(found), "spent": found.mac_images / once})
    return pd.DataFrame(rows).assign(table=pair.name, world=seed)


def summary(replayed: pd.DataFrame) -> pd.DataFrame:
    """One row a pair of tables, budget and search: mean spending and regret, with its error."""
    grouped = replayed.groupby(["table", "budget", "search"], sort=False)
    return grouped.agg(
        spent=("spent", "mean"),
        regret=("regret", "mean"),
        error=("regret", "sem"),
        expected=("expected_regret", "mean"),
        n=("regret", "size"),
    ).reset_index()


def digest(rows: pd.DataFrame) -> str:
    """The summary in Markdown."""
    cells = [
        (
            row["table"],
            f"{row['budget']:.0f}",
            row["search"],
            f"{row['spent']:.1f}",
            f"{row['regret']:.2f} ± {1.96 * row['error']:.2f}",
            f"{row['expected']:.2f}",
        )
        for row in rows.to_dict("records")
    ]
    heads = ("tables", "asked", "search", "spent", "regret at φ = 2", "regret foretold")
    body = tabulate(cells, heads, "pipe", disable_numparse=True, colalign=("left",) * 6)
    return (
        f"{body}\n\nSpending in trainings in full at φ = 1, regret in points of top-1 at φ = 2 "
        f"with its 95 % interval; n = {int(rows['n'].min())} replays each. What φ = 1 alone "
        "foretells is its regret at φ = 1.\n"
    )


def claims(replayed: pd.DataFrame) -> Iterator[Claim]:
    """For each pair and budget: the peer's regret over that of the search at both φ."""
    ours = "φ = 1 and 2"
    for (name, budget), found in replayed.groupby(["table", "budget"], sort=False):
        wide = found.pivot(index="world", columns="search", values="regret")
        ratio, low, high = _ratio(wide[PEER].to_numpy(), wide[ours].to_numpy())
        what = f"{name}: regret at φ = 2 after {budget:.0f} trainings' worth, {PEER} over {ours}"
        yield Claim(what, PEER, ratio, low, high, len(wide), GOAL, low >= GOAL)


def _ratio(peer: np.ndarray, ours: np.ndarray) -> tuple[float, float, float]:
    """The ratio of mean regrets and its 95 % bootstrap interval over worlds."""
    picks = np.random.default_rng(0).integers(len(peer), size=(RESAMPLES, len(peer)))
    drawn = peer[picks].mean(axis=1) / ours[picks].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(peer.mean() / ours.mean()), float(low), float(high)


def measure(replays: int, workers: int) -> pd.DataFrame:
    """Every replay of every pair, spread over processes."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        frames = [
            frame
            for pair in pairs()
            for frame in pool.map(partial(replay, pair), range(replays), chunksize=2)
        ]
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    """Replay and print."""
    parser = parser_of(__doc__)
    parser.add_argument("--replays", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path, help="write the digest here, and rows as CSV beside")
    asked = parser.parse_args()
    replayed = measure(asked.replays, asked.workers)
    rows = summary(replayed)
    if asked.write:
        write_atomically(asked.write, digest(rows).encode())
        csv = rows.round(5).to_csv(index=False, lineterminator="\n")
        write_atomically(asked.write.with_suffix(".csv"), csv)
    if not asked.json:
        print(digest(rows))
    print_claims(list(claims(replayed)), as_json=asked.json, workers=asked.workers)


if __name__ == "__main__":
    main()
