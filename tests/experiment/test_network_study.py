"""A network of a comparison as a study of its own: the same jobs, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.data.load import describe
from scaling_search.experiment.beginning import found_weights
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.network_study import network_study, network_study_toml
from scaling_search.experiment.study_file import from_toml
from scaling_search.nets.build import build
from scaling_search.pretrained.initial import Init
from scaling_search.training.recipe_growth import AtPhi
from tests.tiny import TINY

CONSTANTS = Coefficients(1.5, 1.25, 1.0)


def settings(**recipe: Any) -> Experiment:
    compare = replace(TINY.compare, constants=CONSTANTS, rivals=("depth",))
    return Experiment(
        replace(TINY, compare=compare, recipe=replace(TINY.recipe, **recipe)),
        describe(TINY.data),
    )


@pytest.mark.parametrize(
    "recipe", [{}, {"by_phi": (AtPhi(0.0, dropout=0.1), AtPhi(1.0, dropout=0.3))}]
)
def test_it_asks_for_exactly_the_trainings_that_were_compared(recipe: dict[str, object]) -> None:
    whole = settings(**recipe)
    trainings = whole.trainings(whole.members(CONSTANTS), lambda _: None)
    for member in trainings.members:
        study = network_study(whole.study, member, trainings)
        assert study is not None
        read = from_toml(network_study_toml(study))
        alone = Experiment(read, whole.info)
        (same,) = alone.members(Coefficients(1, 1, 1))
        jobs = alone.trainings((same,), lambda _: None).scored()
        assert [job.hash for job in jobs] == [job.hash for job in trainings.compared(member)]
        assert not alone.gate_jobs()


def test_with_weights_it_begins_with_the_same_ones(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    table = zoo.get("micro").fitted(num_classes=7)
    safetensors.torch.save_file(build(table).state_dict(), path)
    whole = settings()
    study = replace(whole.study, init=Init(str(path)))
    whole = Experiment(study, whole.info, initial=found_weights(study, whole.info, print))
    trainings = whole.trainings(whole.members(CONSTANTS), lambda _: None)
    for member in trainings.members:
        alone = network_study(whole.study, member, trainings)
        assert alone is not None
        read = from_toml(network_study_toml(alone))
        again = Experiment(read, whole.info, initial=found_weights(read, whole.info, print))
        (same,) = again.members(Coefficients(1, 1, 1))
        jobs = again.trainings((same,), lambda _: None).scored()
        assert [job.hash for job in jobs] == [job.hash for job in trainings.compared(member)]
        assert jobs[0].initial is not None


def test_its_name_says_the_study_the_method_and_phi() -> None:
    whole = settings()
    trainings = whole.trainings(whole.members(CONSTANTS), lambda _: None)
    names = [network_study(whole.study, each, trainings) for each in trainings.members]
    assert [each and each.name for each in names] == [
        "tiny-base-phi0",
        "tiny-compound-phi1",
        "tiny-depth-phi1",
    ]
