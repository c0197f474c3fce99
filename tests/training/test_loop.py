"""The training loop: bitwise the same however often it was stopped."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.core.errors import StoppedError, UserError
from scaling_search.training.checkpoint import valid_checkpoints
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.evaluate import score
from scaling_search.training.history import EpochRecord
from scaling_search.training.loop import DivergedError, Trainer
from scaling_search.training.recipe import Optimizer, Recipe
from scaling_search.training.schedule import Schedule
from tests.training.small import (
    CPU,
    RECIPE,
    STEPS_PER_EPOCH,
    StopAfter,
    checkpoint_policy,
    same_tensors,
    split,
    trainer,
)

TOTAL = 3 * STEPS_PER_EPOCH
FALL_BEGINS = 9


def finished(folder: Path, *, recipe: Recipe = RECIPE, epochs: int = 3, seed: int = 0) -> Trainer:
    training = trainer(checkpoint_policy(folder), recipe=recipe, epochs=epochs, seed=seed)
    training.run()
    return training


def stopped(folder: Path, step: int, recipe: Recipe = RECIPE) -> None:
    with pytest.raises(StoppedError, match=f"stopped at step {step} of {TOTAL}"):
        trainer(checkpoint_policy(folder, StopAfter(step)), recipe=recipe).run()


def resumed(folder: Path, recipe: Recipe = RECIPE) -> tuple[Trainer, int]:
    """The training taken up from other weights, and how many steps it still took."""
    counter = StopAfter()
    training = trainer(checkpoint_policy(folder, counter), weights_seed=1, recipe=recipe)
    training.run()
    return training, counter.counted


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return finished(tmp_path_factory.mktemp("whole"))


def test_the_same_seed_gives_bitwise_the_same(uninterrupted: Trainer, tmp_path: Path) -> None:
    again = finished(tmp_path)
    assert same_tensors(again, uninterrupted)
    assert again.history == uninterrupted.history


def test_another_seed_gives_another_training(uninterrupted: Trainer, tmp_path: Path) -> None:
    other = finished(tmp_path, seed=1)
    assert not same_tensors(other, uninterrupted)
    assert other.history != uninterrupted.history


def test_the_network_learns(tmp_path: Path) -> None:
    recipe = Recipe(batch_size=8, learning_rate=0.05)
    history = finished(tmp_path, recipe=recipe, epochs=8).history
    assert history[-1].train_loss < 0.75 * history[0].train_loss


# Mid-epoch, the ends of epochs 5 and 10, the begin of the fall 9, in the fall, the last step.
@pytest.mark.parametrize("step", range(1, TOTAL + 1))
def test_stopped_at_any_step_and_resumed_is_bitwise_uninterrupted(
    uninterrupted: Trainer, tmp_path: Path, step: int
) -> None:
    stopped(tmp_path, step)
    training, steps = resumed(tmp_path)
    assert steps == TOTAL - step
    assert same_tensors(training, uninterrupted)
    assert training.history == uninterrupted.history


@pytest.mark.parametrize("step", [3, STEPS_PER_EPOCH, FALL_BEGINS + 2])
@pytest.mark.parametrize("kind", ["adamw", "rmsprop"])
def test_so_it_is_with_every_optimiser(kind: Optimizer, tmp_path: Path, step: int) -> None:
    recipe = replace(RECIPE, optimizer=kind, learning_rate=0.01)
    stopped(tmp_path / "a", step, recipe)
    training, _ = resumed(tmp_path / "a", recipe)
    straight = finished(tmp_path / "b", recipe=recipe)
    assert same_tensors(training, straight)
    assert training.history == straight.history


def test_stopped_twice_is_bitwise_uninterrupted(uninterrupted: Trainer, tmp_path: Path) -> None:
    stopped(tmp_path, 4)
    with pytest.raises(StoppedError):
        trainer(checkpoint_policy(tmp_path, StopAfter(7))).run()
    training, steps = resumed(tmp_path)
    assert steps == TOTAL - 11
    assert same_tensors(training, uninterrupted)


def test_checkpoints_change_nothing(uninterrupted: Trainer) -> None:
    without = trainer()
    without.run()
    assert same_tensors(without, uninterrupted)


def test_a_longer_training_continues_the_plateau_of_a_shorter_one(tmp_path: Path) -> None:
    finished(tmp_path / "shared", epochs=2)  # 10 steps, the fall begins at step 6
    counter = StopAfter()
    kept = checkpoint_policy(tmp_path / "shared", counter, fall="longer")
    longer = trainer(kept, weights_seed=1, epochs=4)
    longer.run()
    from_scratch = finished(tmp_path / "alone", epochs=4)
    assert counter.counted == 20 - 6
    assert same_tensors(longer, from_scratch)
    assert longer.history == from_scratch.history


SCHEDULES: tuple[Schedule, ...] = ("cosine", "one-cycle", "exponential")


@pytest.mark.parametrize("step", [4, STEPS_PER_EPOCH, TOTAL])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_resumes_bitwise(schedule: Schedule, tmp_path: Path, step: int) -> None:
    recipe = replace(RECIPE, schedule=schedule)
    straight = finished(tmp_path / "b", recipe=recipe)
    stopped(tmp_path / "a", step, recipe)
    training, steps = resumed(tmp_path / "a", recipe)
    assert steps == TOTAL - step
    assert same_tensors(training, straight)
    assert training.history == straight.history
    assert resumed(tmp_path / "a", recipe)[1] == 0  # its last checkpoint is its own


def continued(folder: Path, schedule: Schedule, epochs: int, **changes: Any) -> tuple[bool, int]:
    """Two epochs, then another length beside them; whether it is as if alone, and its steps."""
    recipe = replace(RECIPE, schedule=schedule, **changes)
    finished(folder / "shared", recipe=recipe, epochs=2)
    counter = StopAfter()
    kept = checkpoint_policy(folder / "shared", counter, fall="other")
    other = trainer(kept, weights_seed=0, epochs=epochs, recipe=recipe)
    other.run()
    alone = finished(folder / "alone", epochs=epochs, recipe=recipe)
    return same_tensors(other, alone) and other.history == alone.history, counter.counted


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_a_schedule_of_its_length_never_continues_another_length(
    schedule: Schedule, tmp_path: Path
) -> None:
    assert continued(tmp_path, schedule, 4) == (True, 4 * STEPS_PER_EPOCH)
    assert not list((tmp_path / "shared").glob("*.safetensors"))


def test_a_schedule_without_length_continues_a_shorter_training_from_its_end(
    tmp_path: Path,
) -> None:
    assert continued(tmp_path, "exponential", 4) == (True, 2 * STEPS_PER_EPOCH)


def test_and_the_same_length_is_there_already_and_kept_as_its_own(tmp_path: Path) -> None:
    assert continued(tmp_path, "exponential", 2) == (True, 0)
    (path,) = (tmp_path / "shared" / "other").glob("*.safetensors")
    assert path.name.startswith(f"{2 * STEPS_PER_EPOCH:09d}-")


def test_growing_images_never_continue_another_length(tmp_path: Path) -> None:
    alike = continued(tmp_path, "exponential", 3, progressive_from=0.9)
    assert alike == (True, 3 * STEPS_PER_EPOCH)


@pytest.mark.parametrize(
    "changes",
    [
        {"augment": "random-resized-crop", "auto_augment": "autoaugment"},
        {"augment": "shift-flip", "auto_augment": "trivialaugment"},
        {"augment": "none", "auto_augment": "randaugment", "memory_format": "contiguous"},
    ],
)
def test_every_augmentation_resumes_bitwise(changes: dict[str, Any], tmp_path: Path) -> None:
    recipe = replace(RECIPE, **changes)
    straight = finished(tmp_path / "b", recipe=recipe)
    stopped(tmp_path / "a", 7, recipe)
    training, _ = resumed(tmp_path / "a", recipe)
    assert same_tensors(training, straight)


def test_a_shorter_training_never_starts_beyond_its_own_plateau(tmp_path: Path) -> None:
    finished(tmp_path / "shared", epochs=4)
    kept = checkpoint_policy(tmp_path / "shared", fall="shorter")
    shorter = trainer(kept, epochs=2)
    shorter.run()
    assert same_tensors(shorter, finished(tmp_path / "alone", epochs=2))


def test_a_finished_training_is_scored_again_without_training(
    uninterrupted: Trainer, tmp_path: Path
) -> None:
    finished(tmp_path)
    again, steps = resumed(tmp_path)
    assert steps == 0
    assert again.history == uninterrupted.history
    scores = score(again.state.evaluated, again.validation, RECIPE, CPU)
    assert scores == uninterrupted.history[-1].scores


def test_a_damaged_final_checkpoint_costs_the_fall_and_no_more(
    uninterrupted: Trainer, tmp_path: Path
) -> None:
    finished(tmp_path)
    (final,) = (tmp_path / "fall").glob("*.safetensors")
    final.write_bytes(b"torn")
    training, steps = resumed(tmp_path)
    assert steps == TOTAL - FALL_BEGINS
    assert same_tensors(training, uninterrupted)


def test_every_epoch_is_told_once_even_one_scored_after_a_stop(tmp_path: Path) -> None:
    records: list[EpochRecord] = []
    with pytest.raises(StoppedError):
        trainer(
            checkpoint_policy(tmp_path, StopAfter(STEPS_PER_EPOCH)), on_epoch=records.append
        ).run()
    assert records == []
    training = trainer(checkpoint_policy(tmp_path), on_epoch=records.append)
    training.run()
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records == training.history


def timed(folder: Path, stop: StopAfter, every_seconds: float = 1e9) -> Trainer:
    """A training whose steps take a second each."""
    training = trainer()
    training.checkpoint_policy = CheckpointPolicy(
        folder, folder / "fall", every_seconds, stop, lambda: float(training.step)
    )
    return training


def test_checkpoints_come_in_time_though_epochs_are_shorter(tmp_path: Path) -> None:
    timed(tmp_path, StopAfter(), every_seconds=7).run()
    # After 7 seconds, which is in the second epoch, and when the fall began.
    assert [kept.step for kept in valid_checkpoints(tmp_path, at_most=TOTAL)] == [FALL_BEGINS, 7]


def test_train_seconds_go_on_after_a_stop(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        timed(tmp_path, StopAfter(7)).run()
    history = timed(tmp_path, StopAfter()).run()
    assert [record.train_seconds for record in history] == [5, 10, 15]


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(
    uninterrupted: Trainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    training = finished(tmp_path)
    assert same_tensors(training, uninterrupted)
    assert f"no checkpoint of step {TOTAL}: No space left on device" in caplog.text
    assert list(tmp_path.rglob("*.safetensors")) == []


@dataclass
class Behind:
    """A device that is a second behind for every step, and done with them when it is asked."""

    now: float = 0.0
    queued: float = 0.0

    def steps(self, record: bool) -> bool:
        self.queued += 1.0
        return record

    def ask(self, tensor: torch.Tensor) -> object:
        self.now, self.queued = self.now + self.queued, 0.0
        return item(tensor)


item = torch.Tensor.item


@pytest.mark.parametrize("stop", [None, 7])
def test_seconds_are_read_when_the_device_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int | None
) -> None:
    device = Behind()
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: device.ask(tensor))
    stop_after = StopAfter(stop)
    kept = CheckpointPolicy(
        tmp_path,
        tmp_path / "fall",
        stop_asked=lambda: device.steps(stop_after()),
        clock=lambda: device.now,
    )
    training = trainer(kept, recipe=Recipe(batch_size=8), epochs=2)
    if stop:
        with pytest.raises(StoppedError):
            training.run()
        training = trainer(kept, recipe=Recipe(batch_size=8), epochs=2)
    training.run()
    # 5 steps an epoch, a second each; scoring comes after the clock was read.
    assert [record.train_seconds for record in training.history] == [5.0, 10.0]


def test_a_loss_that_is_not_finite_is_diverged() -> None:
    with pytest.raises(DivergedError, match=r"the loss of epoch 1 is (nan|inf)"):
        trainer(recipe=Recipe(batch_size=8, learning_rate=1e20)).run()


def test_a_nan_in_the_middle_is_diverged_at_the_end_of_its_epoch() -> None:
    def poison(record: EpochRecord) -> None:
        if record.epoch == 2:
            next(training.model.parameters()).data.fill_(torch.nan)

    training = trainer(on_epoch=poison)
    with pytest.raises(DivergedError, match="epoch 3"):
        training.run()
    assert [record.epoch for record in training.history] == [1, 2]


def test_fewer_images_than_a_batch_are_refused() -> None:
    with pytest.raises(UserError, match=r"a batch holds 8 images.*, got 7: lower batch_size"):
        trainer(train=split(7))


def test_as_many_images_as_a_batch_are_enough() -> None:
    assert len(trainer(train=split(8), epochs=1).run()) == 1


def test_no_epochs_are_refused() -> None:
    with pytest.raises(UserError, match="at least 1 epoch, got 0"):
        trainer(epochs=0)
