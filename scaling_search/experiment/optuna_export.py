"""A run's search as a study of Optuna's, for optuna-dashboard and Optuna's own plots.

The ledger is read as it is at this moment and stays untouched, whether or not a run writes it.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from scaling_search.core.errors import UserError, require
from scaling_search.core.hashing import digest
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.jobs.ledger import Ledger
from scaling_search.report.optuna_trials import SearchExport, optuna_trials
from scaling_search.search.constants import Constants
from scaling_search.search.search import Search, SearchState

_PASSWORD = re.compile(r"(//[^:/@]*):[^@/]*@")


@dataclass(frozen=True)
class ExportedStudy:
    """What was written: so many trials by state, and how many trainings the search still lacks."""

    name: str
    storage: str
    states: dict[str, int]
    missing: int


def export_optuna(
    run_directory: Path, storage: str, name: str | None = None, *, function: str | None = None
) -> ExportedStudy:
    """Write the search of a run as a new study, named `name` (None: as the run's own study).

    A search that is not finished is written as far as it goes. `storage` is an URL as SQLAlchemy
    reads it. Raises UserError when the directory holds no search, the storage can't be opened, or
    it holds a study of that name: it is then left as it was.
    """
    experiment = read_experiment(run_directory, function=function)
    given = experiment.study.compare.constants
    require(given is None, "an export needs a search", "a run with its constants given")
    ledger = Ledger.snapshot(run_directory / "ledger.jsonl")
    search = experiment.search(ledger.get)
    state = search.state()
    constants = _constants(experiment, search) if state.done else None
    trials = optuna_trials(_searched(experiment, ledger, search, constants))
    name = name or experiment.study.name
    second = experiment.study.search.second
    metrics = ["validation top-1", *([second] if second else [])]
    _write(storage, name, trials, _attributes(experiment, state, constants), metrics)
    states = Counter(trial.state.name.lower() for trial in trials)
    return ExportedStudy(name, _shown(storage), dict(states), len(state.missing))


def _searched(
    experiment: Experiment, ledger: Ledger, search: Search, constants: Constants | None
) -> SearchExport:
    study = experiment.study
    return SearchExport(search, study.budget, study.space, constants, ledger.accepted_at)


def _constants(experiment: Experiment, search: Search) -> Constants | None:
    """The answer, if there is one: a search whose finalists all failed is worth a look too."""
    with contextlib.suppress(UserError):
        return experiment.constants(search)
    return None


def _attributes(
    experiment: Experiment, state: SearchState, constants: Constants | None
) -> dict[str, Any]:
    study = experiment.study
    data = {k: v for k, v in asdict(study.data).items() if k not in ("root", "download")}
    return {
        **{"base": study.base, "base_px": experiment.base.resolution_px},
        "data": {**data, "images": experiment.info.fingerprint},
        **{"budget": asdict(study.budget), "space": asdict(study.space)},
        **{"search": asdict(study.search), "candidates": len(experiment.pool)},
        **{"recipe": asdict(study.recipe), "recipe_hash": digest(study.recipe)},
        "value": "mean validation top-1, a fraction; the verdict of the search is `best`",
        "missing_trainings": len(state.missing),
        **({"constants": asdict(constants)} if constants else {}),
    }


def _write(
    url: str,
    name: str,
    trials: Sequence[FrozenTrial],
    attributes: dict[str, Any],
    metrics: list[str],
) -> None:
    """Write all of the study or nothing of it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with _opened(url) as storage:
            directions = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE][: len(metrics)]
            study = optuna.create_study(storage=storage, study_name=name, directions=directions)
            try:
                _fill(study, trials, attributes, metrics)
            except BaseException:
                optuna.delete_study(study_name=name, storage=storage)
                raise
    except DuplicatedStudyError:
        raise UserError(
            f"a study is never overwritten, got {name!r}, which {_shown(url)} holds: "
            "give another --name, or another storage"
        ) from None
    # Optuna lets what SQLAlchemy and the drivers of databases find wrong through as it is.
    except (SQLAlchemyError, StorageInternalError, ImportError, ValueError, RuntimeError) as error:
        raise UserError(
            f"a study needs a database that can be written, got {_shown(url)} "
            f"({_reason(error)}): try sqlite:///study.db"
        ) from None


@contextlib.contextmanager
def _opened(url: str) -> Iterator[RDBStorage]:
    storage = RDBStorage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _fill(
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    attributes: dict[str, Any],
    metrics: list[str],
) -> None:
    with warnings.catch_warnings():
        # Experimental since Optuna 3.2: without it plots call the value "Objective Value".
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(metrics)
    for key, value in attributes.items():
        study.set_user_attr(key, value)
    study.add_trials(trials)


def _reason(error: BaseException) -> str:
    """One line; the driver's own words where SQLAlchemy wraps them."""
    words = str(getattr(error, "orig", None) or error.__cause__ or error).strip()
    return words.splitlines()[0] if words else type(error).__name__


def _shown(storage: str) -> str:
    """The storage as it may be printed: without its password."""
    return _PASSWORD.sub(r"\1:***@", storage)
