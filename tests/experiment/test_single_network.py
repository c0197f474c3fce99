"""The verb `train`: one network, from a folder of images to its result and its weights."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from scaling_search.cli.train import EpochLines, train_command
from scaling_search.core.errors import UserError
from scaling_search.experiment.outcome import read_experiment, redraw
from scaling_search.experiment.single_network import train_alone
from scaling_search.jobs.executor import Epoch, Started
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished, result_from_json, result_to_json
from scaling_search.nets.predict import read_module
from tests.data.conftest import disc
from tests.faults import driving
from tests.jobs.small import until
from tests.trainings import record


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of discs, 20 training and 4 test images each."""
    for split, count in (("train", 20), ("test", 4)):
        for name, base in (("cat", 20), ("dog", 120)):
            place = tmp_path / "photos" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                disc(base + 3 * number, (20, 16)).save(place / f"{number}.png")
    return tmp_path / "photos"


def train(photos: Path, out: Path, **options: Any) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {"px": 16, "epochs": 1, "batch_size": 8, "workers": 0, "device": "cpu"}
    asked |= {"as_json": True} | options
    train_command("micro", data="imagefolder", root=str(photos), out=out, **asked)
    rows: list[dict[str, Any]] = json.loads((out / "result.json").read_text())
    return rows


def test_a_network_is_trained_scored_and_its_weights_written(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    (row,) = train(photos, out, epochs=2)
    assert (row["network"], row["px"], row["seed"], row["epochs"]) == ("micro", 16, 0, 2)
    assert (row["train_images"], row["status"]) == (36, "finished")
    module, card = read_module(out / str(row["weights"]))
    assert card.classes == ("cat", "dog")
    assert not module.training


def test_a_training_alone_is_tracked_too(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    train(photos, tmp_path / "run", epochs=2, track=["tensorboard"])
    (folder,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert folder.name.startswith("micro-16px-2ep-seed0-")


def test_each_class_is_counted_and_old_results_have_no_counts(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = train(photos, tmp_path / "run")
    cat, dog = row["classes"]
    assert (cat["class"], cat["validation_images"], cat["test_images"]) == ("cat", 2, 4)
    right, images = (cat[key] + dog[key] for key in ("test_right", "test_images"))
    assert row["test_top1_percent"] == row["test_balanced_percent"] == 100 * right / images
    capsys.readouterr()
    train(photos, tmp_path / "run", as_json=False)
    assert "test_right_percent" in capsys.readouterr().out
    redraw(tmp_path / "run")
    assert "## Class by class" in (tmp_path / "run" / "README.md").read_text()
    with Ledger(tmp_path / "run" / "ledger.jsonl") as ledger:
        experiment = read_experiment(tmp_path / "run")
        result = ledger.get(experiment.compare_job(experiment.base, 0))
    assert isinstance(result, Finished)
    old = result_to_json(result)
    del old["validation_classes"], old["test_classes"]
    assert result_from_json(old) == replace(result, validation_classes=None, test_classes=None)


def test_a_network_begins_with_what_another_training_left(photos: Path, tmp_path: Path) -> None:
    (first,) = train(photos, tmp_path / "first", epochs=2)
    weights = tmp_path / "first" / str(first["weights"])
    tuned = tmp_path / "tuned"
    (row,) = train(photos, tuned, weights=str(weights), download=True, recipe="fine-tune")
    assert row["status"] == "finished"
    experiment = read_experiment(tuned)
    assert experiment.initial is not None
    module, card = read_module(tuned / str(row["weights"]))
    before, seen = read_module(weights)
    assert (card.mean, card.std) == (seen.mean, seen.std)
    assert module.state_dict().keys() == before.state_dict().keys()
    with pytest.raises(UserError, match="weights must be torchvision, lite or a file"):
        train(photos, tmp_path / "none", weights="none.pth")
    assert not (tmp_path / "none").exists()


def test_started_again_nothing_is_trained_and_another_seed_is_added(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    first = train(photos, out, seed=2, seeds=2)
    assert [row["seed"] for row in first] == [2, 3]
    held = (out / "ledger.jsonl").read_bytes()
    assert train(photos, out, seed=2, seeds=2) == first
    assert (out / "ledger.jsonl").read_bytes() == held
    (other,) = train(photos, out, seed=0)
    assert (out / "ledger.jsonl").read_bytes().startswith(held)
    assert other["weights"] == "micro-seed-0.safetensors"
    assert (out / "micro-seed-2.safetensors").is_file()


def test_a_second_run_on_one_directory_is_refused(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(photos, out)
    with Ledger(out / "ledger.jsonl"), pytest.raises(UserError, match="one run writes a directory"):
        train(photos, out)


def test_weights_whose_checkpoints_are_gone_are_not_written_and_that_is_said(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(photos, out)
    for path in out.glob("checkpoints/**/*.safetensors"):
        path.unlink()
    (row,) = train(photos, out)
    assert (row["status"], row["weights"]) == ("finished", None)


def test_a_training_that_fails_is_a_result_and_exit_1(photos: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "wild.toml"
    recipe.write_text("learning_rate = 4e9\nwarmup_epochs = 0\n")
    with pytest.raises(typer.Exit) as ended:
        train(photos, tmp_path / "run", recipe=str(recipe))
    assert ended.value.exit_code == 1
    (row,) = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (row["status"], row["weights"], row["test_top1_percent"]) == ("diverged", None, None)


def test_first_mistakes_are_one_line_each_and_leave_no_directory(
    photos: Path, tmp_path: Path
) -> None:
    lone, bare = tmp_path / "lone", tmp_path / "bare"
    for split in ("train", "test"):
        (lone / split / "cat").mkdir(parents=True)
        disc(9, (16, 16)).save(lone / split / "cat" / "0.png")
    (bare / "cat").mkdir(parents=True)
    mistakes: list[tuple[dict[str, object], str]] = [
        ({"root": tmp_path / "none"}, "none, a path where nothing is: put the images in <root>/tr"),
        ({"root": bare}, "train must hold a folder a class, got an absent folder: put the images"),
        ({"root": photos / "train"}, "name its parent"),
        ({"root": lone}, "each of 2 classes or more, got 'cat' alone"),
        ({"px": 5}, "need images of at least 8 px, got 5"),
        ({"batch_size": 999}, "a batch of 999 needs at least as many training images, got 36"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"epochs": 0}, "at least 1 epoch, got 0"),
        ({"seed": -1}, "a seed must be 0 or more, got -1"),
        ({"recipe": "papr"}, "unknown recipe 'papr': did you mean paper?"),
        ({"recipe": "none.toml"}, "a recipe file must be readable, got 'none.toml'"),
        ({"device": "tpu"}, "device must be auto"),
        ({"workers": -1}, "workers must be 0 or more"),
    ]
    for options, said in mistakes:
        root = options.pop("root", photos)
        with pytest.raises(UserError, match=said.replace("?", r"\?")) as caught:
            train(Path(str(root)), tmp_path / "run", **options)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()


def test_the_run_directory_is_like_any_other(photos: Path, tmp_path: Path) -> None:
    train(photos, tmp_path / "run", seed=1)
    experiment = read_experiment(tmp_path / "run")
    with Ledger(tmp_path / "run" / "ledger.jsonl") as ledger:
        assert ledger.get(experiment.compare_job(experiment.base, 1)) is not None


def test_each_epoch_is_said(photos: Path, tmp_path: Path) -> None:
    train(photos, tmp_path / "run")
    experiment = read_experiment(tmp_path / "run")
    job = experiment.compare_job(experiment.base, 0)
    console = Console(file=(tmp_path / "said").open("w"), width=200)
    with EpochLines(console) as live:
        live.event(Started(job))
        live.event(Epoch(job, record(1, 0.25, train_loss=0.5, seconds=7.0)))
    console.file.close()
    said = (tmp_path / "said").read_text()
    assert "seed 0, epoch 1 of 1: loss 0.5000, validation 25.00%, 7 s of training" in said


def test_killed_in_its_middle_it_goes_on_to_the_same_result(photos: Path, tmp_path: Path) -> None:
    words = ["train", "micro", "--data", "imagefolder", "--root", str(photos), "--px", "16"]
    # So many that the worker is far from its end, however late its driver hears of an epoch.
    words += ["--epochs", "100", "--batch-size", "8", "--device", "cpu", "--workers", "1"]
    words += ["--out", str(tmp_path / "killed")]
    strike = driving.kill_after_the_third_epoch
    assert driving.ended(words, tmp_path / "said", strike) == -signal.SIGKILL
    assert not (tmp_path / "killed" / "result.json").exists()
    # The worker writes its checkpoint once its driver is gone.
    assert until(lambda: list(tmp_path.glob("killed/checkpoints/**/[0-9]*.safetensors")) != [])
    experiment = read_experiment(tmp_path / "killed")
    (resumed,) = train_alone(experiment.study, (0,), tmp_path / "killed", device="cpu", workers=0)
    (whole,) = train_alone(experiment.study, (0,), tmp_path / "whole", device="cpu", workers=0)
    assert resumed.row | {"train_seconds": 0} == whole.row | {"train_seconds": 0}
    ours, theirs = (read_module(one.weights)[0] for one in (resumed, whole) if one.weights)
    assert all(
        (a == b).all()
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    )
