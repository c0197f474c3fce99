"""A study whose networks begin with weights: what is said, kept and read again."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.doctor.examine import examine
from scaling_search.experiment.capacity import PlannedPlacement
from scaling_search.experiment.outcome import read_experiment, redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.planning import plan_run
from scaling_search.experiment.runner import NullListener
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import from_toml
from scaling_search.experiment.trained_weights import trained_network
from scaling_search.jobs.ledger import Ledger
from scaling_search.nets.build import build
from scaling_search.nets.export import export
from scaling_search.nets.model_card import Card
from scaling_search.pretrained.initial import Init
from scaling_search.training.recipes import RECIPES
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

CONSTANTS = Coefficients(2.0, 1.0, 1.0)
MEAN, STD = (0.25,), (0.125,)


class Said(NullListener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of three classes and grey images, exported with its card."""
    torch.manual_seed(5)
    table = replace(zoo.get("micro").fitted(num_classes=3, in_channels=1), resolution_px=16)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    export(build(table), Card(table, ("a", "b", "c"), MEAN, STD), path, "safetensors")
    return path


def study(weights: Path, **recipe: float) -> Study:
    compare = replace(TINY.compare, rivals=("width",), constants=CONSTANTS, epochs=1, seeds=1)
    tuned = replace(TINY.recipe, **recipe)  # type: ignore[arg-type]
    return replace(TINY, init=Init(str(weights)), compare=compare, recipe=tuned)


@pytest.fixture(scope="module")
def begun(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out, said = tmp_path_factory.mktemp("begun"), Said()
    run(study(weights, backbone_rate=0.1), out, device="cpu", workers=0, listener=said)
    return out, said.lines


def test_what_fits_is_said_once_for_each_network(begun: tuple[Path, list[str]]) -> None:
    _, lines = begun
    said = [line for line in lines if "begin" in line]
    assert len(said) == 3
    base, deeper, wider = said
    assert base.startswith("networks begin with w.safetensors; the base takes ")
    assert "0 in part" not in base
    assert base.endswith("tensors whole, 2 fresh (head.classifier.weight, head.classifier.bias)")
    assert deeper.startswith("compound scaling, φ = 1, begins with")
    assert wider.startswith("width alone, φ = 1, begins with")
    assert deeper.endswith(": the base's function")


def test_every_training_begins_with_them_and_the_report_says_so(
    begun: tuple[Path, list[str]],
) -> None:
    out, _ = begun
    experiment = read_experiment(out)
    assert experiment.initial is not None
    with Ledger(out / "ledger.jsonl") as ledger:
        members = experiment.members(CONSTANTS)
        jobs = experiment.trainings(members, ledger.get).first()
        assert all(job.initial == experiment.initial for job in jobs)
        assert all(ledger.get(job) is not None for job in jobs)
    assert '"path": ""' in (out / "ledger.jsonl").read_text()  # where the file lies stays here
    redraw(out)
    text = (out / "README.md").read_text()
    assert "Every network begins with what fits of w.safetensors." in text
    assert "what depth and width add begins untrained" in text


def test_a_plan_knows_the_trainings_that_began_with_them(
    begun: tuple[Path, list[str]], weights: Path, tmp_path: Path
) -> None:
    asked, here = study(weights, backbone_rate=0.1), PlannedPlacement("cpu", workers=0)
    assert plan_run(asked, begun[0], here, seconds=0.1).trainings_left == 0
    fresh = plan_run(asked, tmp_path, here, seconds=0.1)
    assert fresh.trainings_left == 3
    assert fresh.seconds is not None


def test_a_trained_network_sees_as_the_weights_did(begun: tuple[Path, list[str]]) -> None:
    module, card = trained_network(begun[0], "compound:1")
    assert (card.mean, card.std) == (MEAN, STD)
    assert not module.training


def test_a_second_start_trains_nothing_and_other_weights_train_anew(
    begun: tuple[Path, list[str]], weights: Path, tmp_path: Path
) -> None:
    out, _ = begun
    held = (out / "ledger.jsonl").read_bytes()
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights.read_bytes())
    again = study(moved, backbone_rate=0.1)
    run(again, out, device="cpu", workers=0)
    assert (out / "ledger.jsonl").read_bytes() == held
    moved.unlink()
    with pytest.raises(UserError, match="weights must be torchvision, lite or a file"):
        run(again, out, device="cpu", workers=0)


def test_a_plan_knows_what_began_with_the_weights(
    begun: tuple[Path, list[str]], weights: Path
) -> None:
    ticks = count()
    planned = plan_run(
        study(weights, backbone_rate=0.1),
        begun[0],
        PlannedPlacement("cpu", workers=0),
        clock=lambda: float(next(ticks)),
    )
    assert planned.trainings_left == 0


def test_the_doctor_looks_for_the_file(weights: Path, tmp_path: Path) -> None:
    held = tmp_path / "w.safetensors"
    held.write_bytes(weights.read_bytes())
    one = replace(TINY.compare, phis=(0.0,), rivals=(), constants=CONSTANTS, epochs=1, seeds=1)
    alone, said = replace(study(held, backbone_rate=0.0), compare=one), Said()
    run(alone, tmp_path / "run", device="cpu", workers=0, listener=said)
    assert any(
        line.startswith("backbone_rate = 0: blocks that scaling adds") for line in said.lines
    )
    (good,) = [each for each in examine(tmp_path / "run") if each.about == "weights"]
    assert good.state == "good"
    held.unlink()
    (gone,) = [each for each in examine(tmp_path / "run") if each.about == "weights"]
    assert gone.state == "note"
    (tmp_path / "run" / "choices.json").unlink()
    with pytest.raises(UserError, match=r"begins with weights must name them in choices\.json"):
        read_experiment(tmp_path / "run")


def test_the_study_of_the_documentation_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "pretrained.md"
    text = page.read_text().partition("```toml\n")[2].partition("```")[0]
    documented = from_toml(text)
    assert documented.init == Init("torchvision")
    assert documented.recipe == replace(RECIPES["fine-tune"], backbone_rate=0.1)
