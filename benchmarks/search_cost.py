"""Claim: a search finds constants as good as three seeds of every network, for a tenth of the cost.

Peer: every network of the grid trained in full from three seeds, the best mean top-1 taken. All are
replayed on the tables of real trainings in results/tabular (`replay.py` says how a world is drawn),
where the truth is known, so what counts is the regret: how much worse than the best network the
chosen one is when trained in full. Cost is forward multiply-adds × images, all lengths included.

    python benchmarks/search_cost.py [TABLE …] [--json] [--replays 200] [--figure FILE.svg]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import pandas as pd
from allocations import ocba, top_two
from claim import Claim, parser_of, print_claims
from replay import Landscape, Table, World, complete, known_jobs, table
from search_cost_figure import regret_picture
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically
from scaling_search.experiment.outcome import read_experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Result
from scaling_search.search import curve_table
from scaling_search.search.adaptive import AdaptiveSearch
from scaling_search.search.candidates import Candidate
from scaling_search.search.halving import HalvingSearch
from scaling_search.search.knowledge_gradient import Allocation, most_valuable
from scaling_search.search.plan import Rung, SearchPlan, Until
from scaling_search.search.search import Find, Grow, MakeJob
from scaling_search.search.spending import spent_mac_images
from scaling_search.search.verdict import WITHIN_POINTS, Verdict, verdict

TABLES = Path(__file__).resolve().parent.parent / "results" / "tabular"
PEER_SEEDS = 3
GOAL = 10.0
MEANS = (1, 3, 10)
# In trainings in full, as shares of the peer's.
BUDGETS = (0.05, 0.09)
SEEDS = 96  # more than any plan here asks for


@dataclass(frozen=True)
class Contender:
    """A search that is replayed: its name, its budget as a share of the peer's cost, its plan."""

    name: str
    budget: float
    plan: SearchPlan
    allocation: Allocation = most_valuable


@dataclass(frozen=True)
class Ground:
    """A table of real trainings, ready to be replayed on."""

    name: str
    pool: tuple[Candidate, ...]
    make: MakeJob
    grow: Grow
    landscape: Landscape
    known: dict[str, tuple[int, int, int]]

    @property
    def full_epochs(self) -> int:
        """The longest training."""
        return self.landscape.tables[-1].lengths[-1]

    @property
    def peer_mac_images(self) -> int:
        """What every network from three seeds costs."""
        jobs = [self.make(each.architecture, self.full_epochs, 0, 1.0) for each in self.pool]
        return PEER_SEEDS * sum(job.mac_images for job in jobs)

    def contenders(self) -> Iterator[Contender]:
        """Every search that is replayed."""
        short, full = self.landscape.tables[-1].lengths[0], self.full_epochs
        once, both = (Rung(full),), (Rung(short), Rung(full))
        halving = (Rung(short, keep=0.4), Rung(full, seeds=2))
        yield Contender("every network, verdict", 1.0, SearchPlan(rungs=once))
        for share in BUDGETS:
            trainings = share * PEER_SEEDS * len(self.pool)
            tried = max(3, round(trainings))
            for strategy in ("random", "tpe", "gp"):
                plan = SearchPlan(strategy, trials=tried, rungs=once)
                yield Contender(strategy, share, plan)
            yield Contender("gp, halving", share, SearchPlan("gp", trials=tried, rungs=halving))
            adaptive = SearchPlan(
                "gp", seeds="adaptive", until=Until(trainings=trainings), rungs=once
            )
            yield Contender("adaptive", share, adaptive)
            yield Contender("adaptive, two lengths", share, replace(adaptive, rungs=both))
            yield Contender("adaptive, top-two", share, adaptive, top_two)
            yield Contender("adaptive, OCBA", share, adaptive, ocba)


@dataclass(frozen=True)
class Replayed:
    """What one replayed search cost and found.

    Regrets are in points of top-1; `covered` says whether the best network's α, β and γ lie in
    their 95 % intervals, as a share of three; `named` whether the best network is one of those that
    the search can't tell from its winner, its 95 % region.
    """

    search: str
    budget: float
    mac_images: int
    regret: float
    expected_regret: float = float("nan")
    p_within: float = float("nan")
    covered: float = float("nan")
    named: float = float("nan")


@cache
def read_ground(folder: Path, grown: Path | None = None) -> Ground:
    """The table of a folder with study.toml, data.json and curves.csv; once a process.

    With a table of the same base at the square of its growth, `grown`, φ = 2 is what counts.
    """
    experiment = read_experiment(folder)
    make = curve_table.remembered(experiment.network_job)
    tables = [_table(folder, experiment.pool, 1.0)]
    if grown is not None:
        tables.append(_table(grown, read_experiment(grown).pool, 2.0))
    landscape = Landscape(tuple(tables))
    known = known_jobs(landscape, experiment.pool, make, experiment.grown, SEEDS)
    return Ground(folder.name, experiment.pool, make, experiment.grown, landscape, known)


def _table(folder: Path, pool: Sequence[Candidate], phi: float) -> Table:
    return table(complete(curve_table.read_curves(folder / "curves.csv")), pool, phi)


def replay(folder: Path, seed: int) -> list[Replayed]:
    """One world: means of every network, and every search."""
    ground = read_ground(folder)
    world = World(ground.landscape, ground.known, seed)
    means = [best_mean(ground, world, seeds) for seeds in MEANS]
    return means + [searched(ground, world, each) for each in ground.contenders()]


def best_mean(ground: Ground, world: World, seeds: int) -> Replayed:
    """Every network in full from so many seeds; the best mean top-1 is taken."""

    def job(candidate: Candidate, seed: int) -> TrainJob:
        return ground.make(candidate.architecture, ground.full_epochs, seed, 1.0)

    means = [
        fmean(world.result(job(candidate, seed)).validation_top1 for seed in range(seeds))
        for candidate in ground.pool
    ]
    cost = ground.peer_mac_images * seeds // PEER_SEEDS
    name = f"every network, {seeds} seed{'s' * (seeds > 1)}"
    return Replayed(name, seeds / PEER_SEEDS, cost, world.regret(means.index(max(means))))


def searched(ground: Ground, world: World, contender: Contender) -> Replayed:
    """What this search finds in this world."""
    results: dict[str, Result] = {}

    def find(job: TrainJob) -> Result | None:
        return results.get(job.hash)

    trained = list(_trained(_search(ground, contender, find), world, results))
    judged = verdict(_search(ground, contender, find))
    assert judged is not None  # no training fails here
    names = [candidate.name for candidate in ground.pool]
    best = ground.pool[int(world.truth.argmax())]
    return Replayed(
        contender.name,
        contender.budget,
        spent_mac_images(trained),
        world.regret(names.index(judged.ties[0])),
        judged.expected_regret_points,
        judged.p_within,
        _covered(judged, best),
        float(best.name in judged.ties),
    )


def _search(ground: Ground, contender: Contender, find: Find) -> AdaptiveSearch | HalvingSearch:
    asked = (contender.plan, ground.pool, ground.make, find, None, ground.grow)
    if contender.plan.seeds == "adaptive":
        return AdaptiveSearch(*asked, allocation=contender.allocation)
    return HalvingSearch(*asked)


def _trained(
    search: AdaptiveSearch | HalvingSearch, world: World, results: dict[str, Result]
) -> Iterator[TrainJob]:
    while (job := search.next_job(results.keys())) is not None:
        results[job.hash] = world.result(job)
        yield job


def _covered(judged: Verdict, best: Candidate) -> float:
    point = best.coefficients
    regions = ((point.alpha, judged.alpha), (point.beta, judged.beta), (point.gamma, judged.gamma))
    return fmean(low - 1e-9 <= value <= high + 1e-9 for value, (low, high) in regions)


def summary(replayed: pd.DataFrame) -> pd.DataFrame:
    """One row a table, search and budget: mean cost, regret with 95 %, and how it was foretold."""
    replayed = replayed.assign(within=(replayed["regret"] <= WITHIN_POINTS).astype(float))
    rows = (
        replayed.groupby(["table", "search", "budget"], sort=False)
        .agg(
            share=("share", "mean"),
            regret=("regret", "mean"),
            error=("regret", "sem"),
            expected=("expected_regret", "mean"),
            within=("within", "mean"),
            p_within=("p_within", "mean"),
            covered=("covered", "mean"),
            named=("named", "mean"),
            n=("regret", "size"),
        )
        .reset_index()
    )
    rows["low"], rows["high"] = (rows["regret"] + sign * 1.96 * rows["error"] for sign in (-1, 1))
    return rows


def claims(rows: pd.DataFrame) -> Iterator[Claim]:
    """For each table: how much cheaper than the peer the cheapest search is that is as good."""
    peer = f"every network, {PEER_SEEDS} seeds"
    for name, found in rows.groupby("table", sort=False):
        regret = float(found.loc[found["search"] == peer, "regret"].iloc[0])
        ours = found[~found["search"].str.startswith("every network")]
        bounds = ("regret", "high", "low")
        ratio, low, high = (_times_cheaper(ours, bound, regret) for bound in bounds)
        what = f"{name}: training saved for constants as good, {regret:.2f} points of regret"
        yield Claim(what, peer, ratio, low, high, int(ours["n"].min()), GOAL, ratio >= GOAL)


def _times_cheaper(rows: pd.DataFrame, bound: str, regret: float) -> float:
    """One over the cost share of the cheapest search that regrets no more; 0: none is."""
    good = rows[rows[bound] <= regret]
    return float(1 / good["share"].min()) if len(good) else 0.0


def digest(rows: pd.DataFrame) -> str:
    """Means of every network, then each search at the budget nearest to a tenth, in Markdown."""
    near = (rows["budget"] - 1 / GOAL).abs() == (rows["budget"] - 1 / GOAL).abs().groupby(
        [rows["table"], rows["search"]]
    ).transform("min")
    shown = rows[near | rows["search"].str.startswith("every network")]
    tables = list(dict.fromkeys(rows["table"]))
    cells = []
    for search, found in shown.groupby("search", sort=False):
        by_table = found.set_index("table")
        cells.append((search, *(_cell(by_table.loc[name]) for name in tables), *_foretold(found)))
    foretold = ("regret foretold (points)", "best in 95 % intervals (%)", "best among ties (%)")
    heads = ("search", *tables, *foretold)
    sides = ("left", *["right"] * (len(tables) + 3))
    body = tabulate(cells, heads, "pipe", disable_numparse=True, colalign=sides)
    return (
        f"{body}\n\nRegret in points of top-1, its 95 % interval, and the cost in percent of "
        f"every network from {PEER_SEEDS} seeds; n = {int(rows['n'].min())} replays each.\n\n"
        f"{calibration(rows)}\n"
    )


def calibration(rows: pd.DataFrame) -> str:
    """How often what searches say of their answer holds, over all searches and budgets."""
    said = rows[rows["p_within"].notna()]
    by_table = [100 * float(share) for share in said.groupby("table")["named"].mean()]
    within, foretold = (100 * said[column].mean() for column in ("within", "p_within"))
    return (
        f"The networks that a search can't tell from its winner hold the best in "
        f"{100 * said['named'].mean():.0f} % of all replays (by table {min(by_table):.0f} to "
        f"{max(by_table):.0f}), where 95 is meant; the winner is within half a point of the best "
        f"in {within:.0f} %, where {foretold:.0f} was foretold."
    )


def _cell(row: pd.Series) -> str:
    interval = f"[{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['regret']:.2f} {interval} for {100 * row['share']:.0f} %"


def _foretold(rows: pd.DataFrame) -> tuple[str, ...]:
    """The expected regret beside the true one, and how often what is said to hold the best does."""
    if rows["expected"].isna().all():
        return "–", "–", "–"
    foretold = f"{rows['expected'].mean():.2f} (true {rows['regret'].mean():.2f})"
    return foretold, _percents(rows["covered"]), _percents(rows["named"])


def _percents(shares: pd.Series) -> str:
    return f"{100 * shares.min():.0f}–{100 * shares.max():.0f}"


def measure(folders: Sequence[Path], replays: int, workers: int) -> pd.DataFrame:
    """Every replay of every table, spread over processes."""
    frames = []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for folder in folders:
            worlds = pool.map(partial(replay, folder), range(replays), chunksize=2)
            frame = pd.DataFrame([asdict(each) for world in worlds for each in world])
            peer = read_ground(folder).peer_mac_images
            frames.append(frame.assign(table=folder.name, share=frame["mac_images"] / peer))
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    """Replay and print."""
    parser = parser_of(__doc__)
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--replays", type=int, default=200)
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
        write_atomically(asked.figure.with_suffix(".md"), digest(rows).encode())
        write_atomically(asked.figure, regret_picture(rows).svg)
        csv = rows.round(5).to_csv(index=False, lineterminator="\n")
        write_atomically(asked.figure.with_suffix(".csv"), csv)
    if not asked.json:
        print(digest(rows))
    print_claims(list(claims(rows)), as_json=asked.json, workers=asked.workers)


if __name__ == "__main__":
    main()
