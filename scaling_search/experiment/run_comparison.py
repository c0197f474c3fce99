"""A run's comparison as it stands in its directory: networks, trainings, times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member
from scaling_search.compare.frames import runs_frame
from scaling_search.compare.networks import finished
from scaling_search.core.errors import UserError, require
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.time_limit import may_conclude
from scaling_search.jobs.ledger import Ledger
from scaling_search.latency.result import Timed


@dataclass(frozen=True, eq=False)
class RunComparison:
    """What a run comparison: `runs` has one row a training (`compare.frames.runs_frame`), `members`
    are the networks, `timed` the newest timing in the study's regime (None: there is none).
    """

    experiment: Experiment
    coefficients: Coefficients
    members: tuple[Member, ...]
    runs: pd.DataFrame
    timed: Timed | None = None


def read_comparison(run_directory: Path, *, function: str | None = None) -> RunComparison:
    """The comparison of a run directory.

    `function` must be given again where the base is a function of the user's. Raises UserError
    where there is no run, its search is not finished, or no training of its comparison is.
    """
    experiment = read_experiment(run_directory, function=function)
    ledger = read_ledger(run_directory)
    coefficients = coefficients_of(experiment, ledger)
    members = experiment.members(coefficients)
    runs = runs_frame(experiment.trainings(members, ledger.get))
    rule = f"{run_directory} must hold finished trainings of its comparison"
    require(len(finished(runs)) > 0, rule, 0, "run the study with this --out")
    regime = experiment.study.timing.regime
    timed = next((each for each in ledger.timings() if each.job.regime == regime), None)
    return RunComparison(experiment, coefficients, members, runs, timed)


def read_ledger(run_directory: Path) -> Ledger:
    """The ledger to be read, whether or not a run is writing it; raises UserError without one."""
    path = run_directory / "ledger.jsonl"
    rule = "what a run found lies in its ledger"
    require(path.is_file(), rule, f"no {path}", "run the study with this --out")
    return Ledger.snapshot(path)


def coefficients_of(experiment: Experiment, ledger: Ledger) -> Coefficients:
    """The constants of the run: those given, or what its finished search concludes."""
    given = experiment.study.compare.constants
    if given is not None:
        return given
    search = experiment.search(ledger.get)
    if not may_conclude(search, ledger.path.parent):
        raise UserError(
            "a network of the comparison needs a finished search, got "
            f"{len(search.state().missing)} trainings missing: run the study again with the same "
            "--out"
        )
    return experiment.constants(search).coefficients
