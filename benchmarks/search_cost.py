"""Claim: a search finds constants as good as the full grid's for a tenth of its training.

Peer: the way of the EfficientNet paper, every grid point trained in full and the best taken. Many
points are the same network, so there is a sharper peer too: every network once. All are replayed on
the tables of real trainings in results/tabular (`search/replay.py` says how a replay is drawn),
where the truth is known, so what counts is the regret: how much worse than the best candidate the
chosen one is when trained in full. Cost is forward multiply-adds × images, rungs included.

    python benchmarks/search_cost.py [TABLE …] [--json] [--replays 1000] [--figure FILE.svg]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
from claim import Claim
from search_cost_figure import PAPER, regret_picture
from tabulate import tabulate

from scaling_search.files import write_atomically
from scaling_search.jobs.job import Result, TrainJob
from scaling_search.outcome import read_setting
from scaling_search.search import tabular
from scaling_search.search.candidates import Candidate
from scaling_search.search.halving import Make, Plan, Rung, Search
from scaling_search.search.replay import (
    Landscape,
    World,
    known_jobs,
    landscape,
    spent_mac_images,
)
from scaling_search.search.space import Resource
from scaling_search.search.strategies import TWO_OBJECTIVES, StrategyName
from scaling_search.search.verdict import verdict

TABLES = Path(__file__).resolve().parent.parent / "results" / "tabular"
REGRET_POINTS = 0.1
GOAL = 10.0
GRID_SEEDS = (1, 3)
TRIALS = (6, 9, 12, 16, 24, 32, 48)
STRATEGIES: tuple[StrategyName, ...] = ("random", "tpe", "gp", "nsga2")


@dataclass(frozen=True)
class Table:
    """A table of real trainings, ready to be replayed on."""

    name: str
    pool: tuple[Candidate, ...]
    make: Make
    ground: Landscape
    known: dict[str, tuple[int, int, int]]

    def routes(self) -> dict[str, tuple[Rung, ...]]:
        """Every candidate in full, or by halving; chosen on one table, judged by the others."""
        shortest, *_, longer, full = self.ground.lengths
        return {
            "plain": (Rung(full),),
            "halving": (Rung(shortest, keep=0.25), Rung(longer, keep=0.5), Rung(full, seeds=2)),
        }


@dataclass(frozen=True)
class Found:
    """What one replayed search cost and found; regret in points, `ties` how many can't be told."""

    route: str
    strategy: str
    trials: int
    mac_images: int
    regret: float
    ties: int
    holds_best: bool


@cache
def read_table(folder: Path) -> Table:
    """The table of a folder with study.toml, data.json and curves.csv; once a process."""
    setting = read_setting(folder)
    make = tabular.remembered(setting.search_job)
    ground = landscape(tabular.read(folder / "curves.csv"))
    # A network is trained once for each grid point that makes it.
    seeds = max(*GRID_SEEDS, *(candidate.points for candidate in setting.pool))
    known = known_jobs(ground, setting.pool, make, seeds)
    return Table(folder.name, setting.pool, make, ground, known)


def replay(folder: Path, seed: int) -> list[Found]:
    """One world: the grids, and every route by every strategy at every number of trials."""
    table = read_table(folder)
    world = World(table.ground, table.known, seed)
    full = table.ground.lengths[-1]
    activations = [float(candidate.cost.activations) for candidate in table.pool]
    found = [every_point(table, world, full)]
    found += [
        searched(table, world, _every_network(table, full, seeds), _grid_name(seeds))
        for seeds in GRID_SEEDS
    ]
    for (route, rungs), strategy in product(table.routes().items(), STRATEGIES):
        second: Resource | None = "activations" if strategy in TWO_OBJECTIVES else None
        plan = Plan(strategy, seed=seed, second=second, rungs=rungs)
        asked: dict[int, tuple[int, ...]] = {}
        for trials in sorted({min(trials, len(table.pool)) for trials in TRIALS}):
            sized = replace(plan, trials=trials)
            search = Search(sized, table.pool, table.make, activations, _asked=asked)
            found.append(searched(table, world, search, route))
    return found


def every_point(table: Table, world: World, epochs: int) -> Found:
    """The paper's way: the best of single trainings, one for each grid point; no ties are known."""
    scored = [
        (world.result(job).validation_top1, candidate.name, job)
        for candidate in table.pool
        for job in (table.make(candidate, epochs, seed) for seed in range(candidate.points))
    ]
    _, winner, _ = max(scored, key=lambda one: one[0])
    trained = [job for _, _, job in scored]
    cost, regret = spent_mac_images(trained), table.ground.regret(winner)
    return Found(PAPER, "grid", len(trained), cost, regret, 1, winner == table.ground.best)


def _every_network(table: Table, epochs: int, seeds: int) -> Search:
    return Search(Plan(rungs=(Rung(epochs, seeds),)), table.pool, table.make)


def searched(table: Table, world: World, search: Search, route: str) -> Found:
    """What this search finds in this world."""
    results: dict[str, Result] = {}

    def find(job: TrainJob) -> Result | None:
        return results.get(job.hash)

    trained: list[TrainJob] = []
    while missing := (step := search.step(find)).missing:
        results |= {job.hash: world.result(job) for job in missing}
        trained += missing
    plan = search.plan
    judged = verdict(plan, table.pool, step, table.make, find)
    assert judged is not None  # no training fails here
    return Found(
        route,
        plan.strategy,
        plan.trials or len(table.pool),
        spent_mac_images(trained),
        table.ground.regret(judged.ties[0]),
        len(judged.ties),
        table.ground.best in judged.ties,
    )


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row a route, strategy and number of trials: mean cost, regret with 95 %, ties."""
    keys = ["table", "route", "strategy", "trials"]
    grouped = found.groupby(keys, sort=False)
    rows = grouped.agg(
        cost=("mac_images", "mean"),
        regret=("regret", "mean"),
        error=("regret", "sem"),
        ties=("ties", "mean"),
        holds_best=("holds_best", "mean"),
        n=("regret", "size"),
    ).reset_index()
    paper = rows[rows["route"] == PAPER].set_index("table")["cost"]
    rows["share"] = rows["cost"] / rows["table"].map(paper)
    rows["low"], rows["high"] = (rows["regret"] + sign * 1.96 * rows["error"] for sign in (-1, 1))
    return rows


def claims(rows: pd.DataFrame) -> Iterator[Claim]:
    """For each table: what is saved of the training of a grid, by two measures of good enough."""
    for name, table in rows.groupby("table", sort=False):
        of_grid = table["strategy"] == "grid"
        grids = table[of_grid].set_index("route").to_dict("index")
        ours = table[~of_grid]
        what = f"{name}: training saved at a regret of at most {REGRET_POINTS:g} points"
        yield _claim(what, ours, REGRET_POINTS, grids[PAPER], PAPER)
        for peer in (PAPER, _grid_name(1)):
            regret = grids[peer]["regret"]
            what = f"{name}: training saved for constants as good, {regret:.2f} points of regret"
            yield _claim(what, ours, regret, grids[peer], peer)


def _claim(what: str, ours: pd.DataFrame, regret: float, grid: dict[Any, Any], peer: str) -> Claim:
    bounds = ("regret", "high", "low")
    ratio, low, high = (_times_cheaper(ours, bound, regret, grid["cost"]) for bound in bounds)
    n = int(ours["n"].min())
    return Claim(what, peer, ratio, low, high, n, GOAL, ratio >= GOAL)


def _times_cheaper(rows: pd.DataFrame, bound: str, regret: float, grid_cost: float) -> float:
    """The grid's cost over that of the cheapest search that regrets no more; 0: none is."""
    good = rows[rows[bound] <= regret]
    return float(grid_cost / good["cost"].min()) if len(good) else 0.0


def _grid_name(seeds: int) -> str:
    return f"every network, {seeds} seed{'s' * (seeds > 1)}"


def show(rows: pd.DataFrame) -> str:
    """The rows as a table for people."""
    heads = ("table", "route", "strategy", "trials", "cost (%)", "regret (points)")
    cells = [
        (
            *(row["table"], row["route"], row["strategy"], row["trials"]),
            f"{100 * row['share']:.1f}",
            f"{row['regret']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
            f"{row['ties']:.1f}",
            f"{100 * row['holds_best']:.1f}",
        )
        for row in rows.to_dict("records")
    ]
    return tabulate(cells, (*heads, "ties", "hold the best (%)"), disable_numparse=True)


def digest(rows: pd.DataFrame) -> str:
    """The grids, and each search at the most that a tenth of the paper's pays for, in Markdown."""
    grid = rows["strategy"] == "grid"
    within = rows[~grid & (rows["share"] <= 1 / GOAL)]
    largest = within.loc[within.groupby(["table", "strategy", "route"])["trials"].idxmax()]
    shown = pd.concat([rows[grid], largest])
    searches = shown["strategy"] + ", " + shown["route"]
    shown = shown.assign(search=shown["route"].where(shown["strategy"] == "grid", searches))
    order = dict.fromkeys([*rows[grid]["route"], *sorted(shown["search"], key=_by_route)])
    tables = list(dict.fromkeys(rows["table"]))
    by_search = {name: found.set_index("table") for name, found in shown.groupby("search")}
    cells = [
        (name, *(_cell(by_search[name].loc[table]) for table in tables), _held(by_search[name]))
        for name in order
    ]
    heads = ("search", *tables, "best among ties (%)")
    sides = ("left", *["right"] * (len(tables) + 1))
    body = tabulate(cells, heads, "pipe", disable_numparse=True, colalign=sides)
    n = int(rows["n"].min())
    return (
        f"{body}\n\nRegret in points of top-1, its 95 % interval, and the cost in percent of every "
        f"grid point in full; n = {n} replays each.\n"
    )


def _by_route(search: str) -> tuple[str, str]:
    strategy, _, route = search.partition(", ")
    return route, strategy


def _cell(row: pd.Series) -> str:
    interval = f"[{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['regret']:.2f} {interval} for {100 * row['share']:.0f} %"


def _held(rows: pd.DataFrame) -> str:
    """How often the true best is among the ties, from the worst table to the best."""
    if (rows["route"] == PAPER).all():
        return "–"
    held = 100 * rows["holds_best"]
    return f"{held.min():.0f}–{held.max():.0f}"


def measure(folders: Sequence[Path], replays: int, workers: int) -> pd.DataFrame:
    """Every replay of every table, spread over processes."""
    frames = []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for folder in folders:
            worlds = pool.map(partial(replay, folder), range(replays), chunksize=4)
            rows = [asdict(one) for world in worlds for one in world]
            frames.append(pd.DataFrame(rows).assign(table=folder.name))
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--replays", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figure", type=Path, help="write figure, rows (CSV) and digest here")
    parser.add_argument("--rows", type=Path, help="the CSV of an earlier run, instead of replaying")
    asked = parser.parse_args()
    folders = asked.tables or sorted(path.parent for path in TABLES.glob("*/curves.csv"))
    if asked.rows:
        rows = pd.read_csv(asked.rows)
    else:
        rows = summary(measure(folders, asked.replays, asked.workers))
    if asked.figure:
        write_atomically(asked.figure.with_suffix(".md"), digest(rows))
        write_atomically(asked.figure, regret_picture(rows, REGRET_POINTS).svg)
        write_atomically(asked.figure.with_suffix(".csv"), rows.round(5).to_csv(index=False))
    if asked.json:
        print(json.dumps([asdict(claim) for claim in claims(rows)]))
        return
    print(show(rows))
    for claim in claims(rows):
        print(f"{claim.claim}: {claim.ratio:.1f} × [{claim.low:.1f}, {claim.high:.1f}]")


if __name__ == "__main__":
    main()
