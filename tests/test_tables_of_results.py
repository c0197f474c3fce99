"""The committed tables of trainings, and the code that made them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.fidelity import read_trainings
from scaling_search.search import curve_table
from tests.experiment.test_fidelity import run_directory

TABLES = Path(__file__).parent.parent / "results" / "tabular"


@pytest.fixture(scope="module")
def curves() -> ModuleType:
    spec = importlib.util.spec_from_file_location("curves", TABLES / "curves.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_run_becomes_a_table_that_names_what_it_holds(curves: ModuleType, tmp_path: Path) -> None:
    run, here = run_directory(tmp_path / "run"), tmp_path / "tables"
    (run / "environment.json").write_text("{}")
    with pytest.raises(UserError, match=r"a table stands beside its study\.toml"):
        curves.publish(run, here)
    (here / "tiny").mkdir(parents=True)
    (here / "tiny" / "study.toml").write_bytes((run / "study.toml").read_bytes())
    curves.publish(run, here)
    table = read_trainings(here / "tiny")
    networks = len(table.experiment.pool)
    assert f"{networks} distinct networks of micro" in curves.readme_of(table)
    assert f"{networks * 2} of {networks * 2}" in curves.lengths_table(table)
    said = curves.overview([table], here)
    assert "τ = " in said
    assert (here / "fidelity.svg").exists()


def test_every_job_of_a_committed_table_is_one_of_its_study() -> None:
    for path in sorted(TABLES.glob("*/curves.csv")):
        experiment = read_trainings(path.parent).experiment
        frame = curve_table.read_curves(path)
        jobs = {
            experiment.network_job(candidate.architecture, rung.epochs, rung.first_seed + seed).hash
            for candidate in experiment.pool
            for rung in experiment.study.search.rungs
            for seed in range(rung.seeds)
        }
        assert set(frame["job"]) <= jobs
