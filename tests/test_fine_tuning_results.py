"""The committed comparison of fine-tuning with training from nothing is made of its ledgers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from scaling_search.experiment.run_comparison import read_comparison
from scaling_search.jobs.run_choices import RunChoices
from scaling_search.pretrained.initial import Init

FOLDER = Path(__file__).parent.parent / "results" / "fine-tuning"
RUNS = sorted(path.parent for path in FOLDER.glob("*/study.toml"))


def test_the_page_is_made_of_the_ledgers() -> None:
    spec = importlib.util.spec_from_file_location("fine_tuning_table", FOLDER / "fine_tuning.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_every_training_is_one_of_its_study(run: Path) -> None:
    comparison = read_comparison(run)
    study = comparison.experiment.study
    by_network = comparison.runs.groupby("network")["seed"].apply(list)
    assert all(seeds == list(study.compare.every_seed) for seeds in by_network)
    assert len(by_network) == len(comparison.members)
    assert (study.init == Init("lite")) == (not run.name.startswith("scratch"))


@pytest.mark.parametrize("run", [run for run in RUNS if not run.name.startswith("scratch")])
def test_weights_are_named_without_the_folders_of_a_machine(run: Path) -> None:
    initial = RunChoices.read(run).init
    assert initial is not None
    assert initial.path == Path(initial.path).name
