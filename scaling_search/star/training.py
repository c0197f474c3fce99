"""A star trained in a directory of its own, and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.cost.torch_defaults import torch_defaults
from scaling_search.experiment.opening import open_runner
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.placement import TrainingPlacement
from scaling_search.experiment.run_comparison import coefficients_of, read_ledger
from scaling_search.experiment.runner import NullListener, ProgressListener
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import read_study
from scaling_search.experiment.tracked import tracked
from scaling_search.jobs.local import LocalBackend
from scaling_search.search.space import Budget
from scaling_search.star.findings import StarFindings, star_findings
from scaling_search.star.points import star_jobs, star_points
from scaling_search.star.sweep import StarSweep, star_networks

GIVEN, SEARCHED, PAPERS = "given", "searched", "the paper's"


@dataclass(frozen=True)
class StarStudy:
    """A study, and the constants that the centre is grown by: given, searched or the paper's."""

    study: Study
    constants: Coefficients
    origin: str


def star_study(path: Path) -> StarStudy:
    """The study of a file, or of a run directory with what its search concluded.

    Raises UserError where there is none, and for a run whose search has not ended.
    """
    if not path.is_dir():
        return of_study(read_study(path))
    experiment = read_experiment(path)
    study, constants = experiment.study, coefficients_of(experiment, read_ledger(path))
    return StarStudy(study, constants, GIVEN if study.compare.constants else SEARCHED)


def of_study(study: Study) -> StarStudy:
    """A study's own constants, or the paper's."""
    given = study.compare.constants
    return StarStudy(study, given or PAPER_CONSTANTS, GIVEN if given else PAPERS)


@torch_defaults()
def train_star(
    star: StarStudy,
    sweep: StarSweep,
    out: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    gpus: int | str | None = None,
    jobs_per_gpu: int | Literal["auto"] = "auto",
    limit_seconds: float | None = None,
    retry_failed: bool = False,
    track: Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> StarFindings:
    """Train what is missing of a star and read it; again, it goes on where it stopped.

    The rest is as `run` has it. Raises UserError, before anything is trained, for networks that
    can't be made.
    """
    study = _star_alone(star)
    local = LocalBackend(None if gpus is None else str(gpus), jobs_per_gpu)
    placement = TrainingPlacement(device, workers, limit_seconds, local)
    with (
        tracked(listener or NullListener(), track, study.name, out) as listeners,
        open_runner(study, out, placement, listeners, retry_failed=retry_failed) as runner,
    ):
        experiment = runner.experiment
        base = cast(Architecture, experiment.base)
        networks = star_networks(base, star.constants, sweep)
        runner.finish("star", list(star_jobs(experiment, networks, sweep)))
        points = star_points(experiment, networks, sweep, runner.ledger.get)
    return star_findings(points, base, star.constants, star.origin, study.budget.growth)


def _star_alone(star: StarStudy) -> Study:
    """The study without a search, its cost counted in MACs: what a star is trained by."""
    study = star.study
    rule = "a star is of a base that a table describes"
    require(not study.is_function, rule, study.base, "name a network, or a file of one")
    compare = replace(study.compare, constants=star.constants)
    budget = Budget("macs", study.budget.growth, study.budget.tolerance)
    search = replace(study.search, second=None)
    return replace(study, name=f"{study.name}-star", budget=budget, compare=compare, search=search)
