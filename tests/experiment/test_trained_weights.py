"""The trained networks of a run: found, exported and used, from the library and by the verbs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from scaling_search.arch.scaling import Coefficients
from scaling_search.cli.export import export_command, predict_command
from scaling_search.compare.rivals import NamedConstants
from scaling_search.core.errors import UserError
from scaling_search.data.load import load_split
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.study import Study
from scaling_search.experiment.trained_weights import (
    address_of,
    member_named,
    trained_network,
    trained_weights,
)
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished
from scaling_search.nets.model_card import Card
from scaling_search.nets.predict import predict, read_module, read_predictor
from scaling_search.training.recipe_growth import AtPhi
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

CONSTANTS = Coefficients(1.2, 1.1, 1.15)
GIVEN = replace(
    TINY,
    compare=replace(TINY.compare, rivals=(), constants=CONSTANTS),
    recipe=replace(TINY.recipe, ema_decay=0.5, branch_scale="1/sqrt(depth)"),
)
CPU = torch.device("cpu")


def directory(study: Study, folder: Path) -> Path:
    run(study, folder, device="cpu", workers=0)
    return folder


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with given constants, averaged weights and scaled branches."""
    return directory(GIVEN, tmp_path_factory.mktemp("given"))


def test_every_network_has_the_weights_that_were_scored(given: Path) -> None:
    experiment = read_experiment(given)
    with Ledger(given / "ledger.jsonl") as ledger:
        for member in experiment.members(CONSTANTS):
            for seed in experiment.study.compare.every_seed:
                module, card = trained_network(given, address_of(member), seed)
                job = experiment.compare_job(member.architecture, seed)
                split = load_split(job.data, "test", member.architecture.resolution_px, CPU)
                images = split.fetch(torch.arange(len(split)))
                mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (card.mean, card.std))
                with torch.inference_mode():
                    best = module((images / 255 - mean) / std).argmax(1)
                top1 = (best == split.labels).float().mean().item()
                result = ledger.get(job)
                assert isinstance(result, Finished)
                assert top1 == pytest.approx(result.test_top1)
                assert card.classes == experiment.info.classes


def test_the_constants_of_a_finished_search_name_the_networks(tmp_path: Path) -> None:
    folder = directory(TINY, tmp_path)
    module, card = trained_network(folder, "depth:1")
    assert card.architecture.resolution_px == 16
    assert not module.training


def test_a_network_is_named_by_its_method_and_phi_or_as_the_table_shows_it(given: Path) -> None:
    members = read_experiment(given).members(CONSTANTS)
    assert [address_of(member) for member in members] == ["base", "compound:1"]
    assert member_named(members, "base") is members[0]
    for name in ("compound:1", "compound:1.0", "compound φ=1"):
        assert member_named(members, name) is members[1]
    for name in ("compound:2", "width:1", "", "compound:x"):
        with pytest.raises(UserError, match="must be one of base, compound:1, got"):
            member_named(members, name)


def test_what_is_not_there_is_refused(given: Path, tmp_path: Path) -> None:
    for seed in (0, 1002):
        with pytest.raises(UserError, match=f"seed must lie in 1000 to 1001, got {seed}"):
            trained_network(given, "base", seed=seed)
        with pytest.raises(UserError, match="seed must lie in"):
            export_command(given, "base", seed=seed)
    with pytest.raises(UserError):
        trained_network(tmp_path, "base")
    assert not list(tmp_path.iterdir())


def test_a_training_without_its_last_checkpoint_is_refused(given: Path, tmp_path: Path) -> None:
    experiment = read_experiment(given)
    job = experiment.compare_job(experiment.base, 1000)
    assert trained_weights(job, given / "checkpoints")
    with pytest.raises(UserError, match="got none: run the study to its end"):
        trained_weights(job, tmp_path)
    longer = replace(job, epochs=4)
    kept = given / "checkpoints" / job.shared_hash / job.own_hash
    unfinished = tmp_path / job.shared_hash / longer.own_hash
    unfinished.mkdir(parents=True)
    for path in kept.glob("*.safetensors"):
        (unfinished / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UserError, match="got one of step 10 of 20: run the study to its end"):
        trained_weights(longer, tmp_path)


def test_the_verbs_export_a_network_and_predict_with_it(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_command(given, "compound:1", seed=1001, as_json=True)
    (written,) = json.loads(capsys.readouterr().out)
    path = Path(written["file"])
    assert path == given / "exports" / "compound-1-seed-1001.safetensors"
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for shade, picture in enumerate(pictures):
        Image.new("L", (40, 30), 100 * shade).save(picture)
    predict_command(path, pictures, top=2, as_json=True)
    from_file = json.loads(capsys.readouterr().out)
    predict_command(given, pictures, network="compound:1", seed=1001, top=2, as_json=True)
    assert json.loads(capsys.readouterr().out) == from_file
    assert [(row["image"], row["rank"]) for row in from_file] == [
        (str(picture), rank) for picture in pictures for rank in (1, 2)
    ]
    assert {row["class"] for row in from_file} <= set(read_module(path)[1].classes)
    side_px = read_predictor(path).card.architecture.resolution_px
    dark = torch.zeros(1, 1, side_px, side_px, dtype=torch.uint8)
    assert predict(read_predictor(path), dark)[0][0].name == from_file[0]["class"]


def test_without_a_seed_the_comparisons_first_is_meant(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_command(given, "base", as_json=True)
    (written,) = json.loads(capsys.readouterr().out)
    assert Path(written["file"]).name == "base-seed-1000.safetensors"
    assert _same_weights(trained_network(given, "base"), trained_network(given, "base", 1000))
    assert not _same_weights(trained_network(given, "base"), trained_network(given, "base", 1001))


def _same_weights(*found: tuple[nn.Module, Card]) -> bool:
    one, other = (module.state_dict() for module, _ in found)
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_that_is_being_written_can_be_read(given: Path) -> None:
    with Ledger(given / "ledger.jsonl"):
        assert trained_network(given, "compound:1")


RATES = replace(
    TINY,
    compare=replace(
        TINY.compare,
        rivals=(NamedConstants("mine", 1.1, 1.2, 1.1),),
        constants=CONSTANTS,
        check_rates=(0.01, 1.0),
        vary_split=True,
    ),
    recipe=replace(TINY.recipe, by_phi=(AtPhi(0.0, dropout=0.1), AtPhi(2.0, dropout=0.3))),
)


def test_a_network_has_the_weights_of_the_rate_split_and_dropout_it_was_compared_with(
    tmp_path: Path,
) -> None:
    folder = directory(RATES, tmp_path)
    experiment = read_experiment(folder)
    members = experiment.members(CONSTANTS)
    assert [address_of(member) for member in members] == ["base", "compound:1", "mine:1"]
    ledger = Ledger.snapshot(folder / "ledger.jsonl")
    trainings = experiment.trainings(members, ledger.get)
    for member in members:
        job = trainings.compared(member)[1]
        assert job.data.validation_seed == job.seed == 1001
        assert job.recipe.dropout == (0.1 if member.method == "base" else 0.2)
        module, card = trained_network(folder, address_of(member), 1001)
        split = load_split(job.data, "train", member.architecture.resolution_px, CPU)
        assert card.mean == pytest.approx(split.mean.tolist())
        expected = trained_weights(job, folder / "checkpoints")
        assert all(torch.equal(module.state_dict()[name], expected[name]) for name in expected)


def test_the_verbs_refuse_what_makes_no_sense(given: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="format must be one of safetensors, onnx, torch-export"):
        export_command(given, "base", format="pickle")
    with pytest.raises(UserError, match="a run directory needs --network"):
        predict_command(given, [tmp_path / "a.png"])
    with pytest.raises(UserError, match="--network must be left out"):
        predict_command(tmp_path / "n.safetensors", [tmp_path / "a.png"], network="base")
