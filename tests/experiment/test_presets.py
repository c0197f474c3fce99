"""Presets: each file is a study, and says with which command it is run."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from pathlib import Path

import pytest
import torch

import scaling_search
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.core.hashing import digest
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.preset_files import PRESETS, expectation, preset_text
from scaling_search.experiment.presets import preset
from scaling_search.experiment.study_file import from_toml, read_study, to_toml
from scaling_search.nets.build import build

FOLDER = Path(scaling_search.__file__).parent / "presets"
IMAGES = DataInfo("images", tuple("abcdefghij"), 3, 64, 45_000, 5_000, 10_000, 0, "0" * 16)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_the_way_through_toml(name: str) -> None:
    assert from_toml(to_toml(preset(name))) == preset(name)


@pytest.mark.parametrize("name", PRESETS)
def test_its_file_bears_its_name_and_opens_with_its_command(name: str) -> None:
    first = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    assert preset(name).name == name
    assert first.startswith(f"# scaling-search run --preset {name}")


@pytest.mark.parametrize("name", PRESETS)
def test_its_file_says_what_it_costs_and_what_it_comes_to(name: str) -> None:
    assert "not said" not in expectation(name)


@pytest.mark.parametrize("name", PRESETS)
def test_copied_into_a_folder_it_is_the_same_study_of_that_folders_images(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "study.toml").write_text(preset_text(name), encoding="utf-8")
    copied, ready = read_study(tmp_path / "study.toml"), preset(name)
    root = ready.data.root and str(tmp_path / ready.data.root)
    assert copied == replace(ready, data=replace(ready.data, root=root))


@pytest.mark.parametrize("name", PRESETS)
def test_its_base_gives_a_logit_a_class_and_has_candidates(name: str) -> None:
    experiment = Experiment(preset(name), IMAGES)
    assert isinstance(experiment.base, Architecture)
    px = experiment.base.resolution_px
    with torch.inference_mode():
        logits = build(experiment.base).eval()(torch.zeros(1, 3, px, px))
    assert logits.shape == (1, 10)
    assert len(experiment.pool) >= 10


def test_the_papers_study_has_its_grid_with_its_constants_on_it() -> None:
    study = preset("imagenet-b0-paper")
    pool = Experiment(study, IMAGES).pool
    nominal = [one.coefficients.nominal_growth for one in pool]
    assert all(abs(growth - 2) <= 0.1 + 1e-9 for growth in nominal)
    held = [
        all(
            low <= value <= high
            for value, (low, high) in zip((1.2, 1.1, 1.15), (c.alpha, c.beta, c.gamma), strict=True)
        )
        for c in pool
    ]
    assert sum(held) == 1
    assert isclose(study.recipe.learning_rate, 0.256)
    assert [study.recipe.at_phi(phi).dropout for phi in study.compare.phis] == [
        *(0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5)
    ]


@pytest.mark.parametrize(
    ("name", "content"), [("demo", "0500a20c1416f4ea"), ("fashion-mnist", "eaa9f9391020356f")]
)
def test_ledgers_of_a_preset_stay_valid(name: str, content: str) -> None:
    assert digest(preset(name)) == content


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean demo"):
        preset("dmo")
