"""Is the proxy to be believed? Runs and tables of trainings, read and compared with each other.

Within each: short training against long, seed against seed. Between any two: growth against
growth, data set against data set, on candidates that share the growth alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import fmean

import pandas as pd

from scaling_search.core.errors import UserError
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.jobs.ledger import Ledger
from scaling_search.search import curve_table
from scaling_search.search.fidelity import (
    LEAST,
    AgreementKind,
    Compared,
    agreement,
    epochs_text,
    lengths,
    scores,
    seed_agreement,
)
from scaling_search.search.matching import paired
from scaling_search.search.shares import Shares


@dataclass(frozen=True, eq=False)
class SearchCurves:
    """A search's trainings as a table of learning curves, and the experiment they belong to."""

    experiment: Experiment
    curves: pd.DataFrame

    @property
    def name(self) -> str:
        """The study's name."""
        return self.experiment.study.name

    def up_to(self, epochs: int) -> SearchCurves:
        """The trainings of that length and shorter ones."""
        return replace(self, curves=self.curves[self.curves["epochs"] <= epochs])

    def shares(self, networks: Sequence[str]) -> dict[str, Shares]:
        """How each of these candidates shares the growth between the axes."""
        names = set(networks)
        return {each.name: each.shares for each in self.experiment.pool if each.name in names}


def read_trainings(folder: Path) -> SearchCurves:
    """The trainings of a run directory, finished or not, or of a folder with curves.csv.

    A run may go on meanwhile: what its ledger holds is taken. Raises UserError when the folder
    holds neither.
    """
    experiment = read_experiment(folder)
    table, ledger = folder / "curves.csv", folder / "ledger.jsonl"
    if table.exists():
        return SearchCurves(experiment, curve_table.read_curves(table))
    if not ledger.exists():
        raise UserError(
            f"a run directory holds ledger.jsonl or curves.csv, got {str(folder)!r}: "
            "run the study first"
        )
    return SearchCurves(
        experiment, curve_table.curves(experiment.search(Ledger.snapshot(ledger).get))
    )


def fidelity(folders: Sequence[Path], epochs: int | None = None) -> tuple[Compared, ...]:
    """Every comparison that these trainings allow, up to a length of `epochs` (None: any).

    Raises UserError when there is none: it takes 3 candidates with two lengths or two seeds.
    """
    runs = [read_trainings(folder) for folder in folders]
    runs = runs if epochs is None else [run.up_to(epochs) for run in runs]
    comparisons = [compared for run in runs for compared in agreements_within(run)]
    comparisons += [
        compared for left, right in combinations(runs, 2) for compared in between(left, right)
    ]
    if not comparisons:
        raise UserError(
            f"fidelity needs {LEAST} candidates trained at two lengths or from two seeds, got "
            f"fewer in {', '.join(map(str, folders))}: give the search another rung or more seeds"
        )
    return tuple(comparisons)


def agreements_within(run: SearchCurves) -> Iterator[Compared]:
    """Each shorter training against the longest, and seed against seed at the longest."""
    reached, pool = lengths(run.curves), len(run.experiment.pool)
    if not reached:
        return
    longest = scores(run.curves, reached[-1])
    long = epochs_text(reached[-1])
    for epochs in reached[:-1]:
        agreed = agreement(scores(run.curves, epochs), longest)
        yield Compared("length", run.name, epochs_text(epochs), long, agreed, pool)
    if longest.shape[1] > 1:
        agreed = seed_agreement(longest)
        yield Compared("seed", run.name, f"one seed, {long}", "another", agreed, pool)


def between(left: SearchCurves, right: SearchCurves) -> Iterator[Compared]:
    """The two searches at the longest training that both have, on candidates that are alike."""
    both = sorted({*lengths(left.curves)} & {*lengths(right.curves)})
    if not both:
        return
    a, b = (scores(run.curves, both[-1]) for run in (left, right))
    pairs = paired(left.shares(list(a.index)), right.shares(list(b.index)))
    renamed = b.loc[[pair.right for pair in pairs]]
    renamed.index = pd.Index([pair.left for pair in pairs], name=a.index.name)
    yield Compared(
        _kind(left.experiment, right.experiment),
        f"{left.name}, {right.name}",
        left.name,
        f"{right.name} ({epochs_text(both[-1])})",
        agreement(a.loc[[pair.left for pair in pairs]], renamed),
        min(len(left.experiment.pool), len(right.experiment.pool)),
        fmean(pair.distance for pair in pairs) if pairs else math.nan,
    )


def _kind(left: Experiment, right: Experiment) -> AgreementKind:
    """What differs between two studies; growth and images alike or both changed: the study."""
    growth = left.study.budget.growth != right.study.budget.growth
    images = left.info.fingerprint != right.info.fingerprint
    if growth != images:
        return "growth" if growth else "data set"
    return "study"
