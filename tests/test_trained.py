"""The trained networks of a run: found, exported and used, from the library and by the verbs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from scaling_search.arch.scaling import Coefficients
from scaling_search.cli.exporting import export_command, predict_command
from scaling_search.data.load import load_split
from scaling_search.errors import UserError
from scaling_search.jobs.ledger import Ledger
from scaling_search.nets.predict import predict, read_module, read_predictor
from scaling_search.outcome import read_setting
from scaling_search.pipeline import run
from scaling_search.study import Study
from scaling_search.trained import address_of, member_named, trained_network, trained_weights
from tests.tiny import TINY

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
    setting = read_setting(given)
    with Ledger(given / "ledger.jsonl") as ledger:
        for member in setting.members(CONSTANTS):
            for seed in range(2):
                module, card = trained_network(given, address_of(member), seed)
                job = setting.compare_job(member.architecture, seed)
                split = load_split(job.data, "test", member.architecture.resolution_px, CPU)
                images = split.fetch(torch.arange(len(split)))
                mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (card.mean, card.std))
                with torch.inference_mode():
                    best = module((images / 255 - mean) / std).argmax(1)
                top1 = (best == split.labels).float().mean().item()
                assert top1 == pytest.approx(ledger.get(job).test_top1)  # type: ignore[union-attr]
                assert card.classes == setting.info.classes


def test_the_constants_of_a_finished_search_name_the_networks(tmp_path: Path) -> None:
    folder = directory(TINY, tmp_path)
    module, card = trained_network(folder, "depth:1")
    assert card.architecture.resolution_px == 16
    assert not module.training


def test_a_network_is_named_by_its_method_and_phi_or_as_the_table_shows_it(given: Path) -> None:
    members = read_setting(given).members(CONSTANTS)
    assert [address_of(member) for member in members] == ["base", "compound:1"]
    assert member_named(members, "base") is members[0]
    for name in ("compound:1", "compound:1.0", "compound φ=1"):
        assert member_named(members, name) is members[1]
    for name in ("compound:2", "width:1", "", "compound:x"):
        with pytest.raises(UserError, match="must be one of base, compound:1, got"):
            member_named(members, name)


def test_what_is_not_there_is_refused(given: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed must lie in 0 to 1, got 2"):
        trained_network(given, "base", seed=2)
    with pytest.raises(UserError):
        trained_network(tmp_path, "base")
    assert not list(tmp_path.iterdir())


def test_a_training_without_its_last_checkpoint_is_refused(given: Path, tmp_path: Path) -> None:
    setting = read_setting(given)
    job = setting.compare_job(setting.base, 0)
    assert trained_weights(job, given / "checkpoints")
    with pytest.raises(UserError, match="got none: run the study to its end"):
        trained_weights(job, tmp_path)
    longer = replace(job, epochs=4)
    kept = given / "checkpoints" / job.plateau_hash / job.fall_hash
    unfinished = tmp_path / job.plateau_hash / longer.fall_hash
    unfinished.mkdir(parents=True)
    for path in kept.glob("*.safetensors"):
        (unfinished / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UserError, match="got one of step 10 of 20: run the study to its end"):
        trained_weights(longer, tmp_path)


def test_the_verbs_export_a_network_and_predict_with_it(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_command(given, "compound:1", seed=1, as_json=True)
    (written,) = json.loads(capsys.readouterr().out)
    path = Path(written["file"])
    assert path == given / "exports" / "compound-1-seed-1.safetensors"
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for shade, picture in enumerate(pictures):
        Image.new("L", (40, 30), 100 * shade).save(picture)
    predict_command(path, pictures, top=2, as_json=True)
    from_file = json.loads(capsys.readouterr().out)
    predict_command(given, pictures, network="compound:1", seed=1, top=2, as_json=True)
    assert json.loads(capsys.readouterr().out) == from_file
    assert [(row["image"], row["rank"]) for row in from_file] == [
        (str(picture), rank) for picture in pictures for rank in (1, 2)
    ]
    assert {row["class"] for row in from_file} <= set(read_module(path)[1].classes)
    side_px = read_predictor(path).card.architecture.resolution_px
    dark = torch.zeros(1, 1, side_px, side_px, dtype=torch.uint8)
    assert predict(read_predictor(path), dark)[0][0].name == from_file[0]["class"]


def test_the_verbs_refuse_what_makes_no_sense(given: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="format must be one of safetensors, onnx, torch-export"):
        export_command(given, "base", format="pickle")
    with pytest.raises(UserError, match="a run directory needs --network"):
        predict_command(given, [tmp_path / "a.png"])
    with pytest.raises(UserError, match="--network must be left out"):
        predict_command(tmp_path / "n.safetensors", [tmp_path / "a.png"], network="base")
