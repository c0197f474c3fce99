"""The training loop: a pure function of (network, images, recipe, epochs, seed)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice

import torch
from torch import nn

from scaling_search.core.errors import StoppedError, require
from scaling_search.data.augment import draws_per_image, order, uniforms
from scaling_search.data.splits import Batch, Split
from scaling_search.training.backbone import enter_training
from scaling_search.training.batches import augmented_parts, draws_of_parts, parts_at_once
from scaling_search.training.captured import step_function
from scaling_search.training.checkpoint import Checkpoint
from scaling_search.training.checkpoint_saver import CheckpointPolicy, CheckpointSaver
from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.evaluate import SplitEvaluation, evaluate_split
from scaling_search.training.history import ClassCounts, EpochRecord, epoch_record
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import seed_dropout
from scaling_search.training.train_state import TrainState, new_state


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number."""


@dataclass
class Trainer:
    """One training under way. `run` is the whole of it; resuming gives bitwise the same.

    On a GPU it does so within `determinism`, else within the rounding of sums in another order.

    The processes of a group each have a Trainer, equal but for their rank, and take every step
    together; the first one's files are the training's.

    Examples:
        >>> import torch
        >>> from scaling_search import DataRequest, build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.data.load import load_split
        >>> from scaling_search.training.loop import Trainer
        >>> from scaling_search.training.recipe import Recipe
        >>> images = DataRequest("typefaces", train_images=100, test_images=20)
        >>> train, held_out = (load_split(images, part, px=16) for part in ("train", "validation"))
        >>> model, device = build(zoo.get("nano")), torch.device("cpu")
        >>> history = Trainer(model, train, held_out, Recipe(), 2, seed=0, device=device).run()
        >>> [record.epoch for record in history]
        [1, 2]
    """

    model: nn.Module
    train: Split
    validation: Split
    recipe: Recipe
    epochs: int
    seed: int
    device: torch.device
    checkpoint_policy: CheckpointPolicy | None = None
    on_epoch: Callable[[EpochRecord], None] = lambda _: None
    group: Group = ALONE

    def __post_init__(self) -> None:
        """Raise UserError when there are fewer images than a batch, or no epochs."""
        self.part_size = self.group.part_size(self.recipe)
        require(self.epochs >= 1, "a training needs at least 1 epoch", self.epochs)
        require(
            len(self.train) >= self.recipe.batch_size,
            f"a batch holds {self.recipe.batch_size} images, so at least as many are needed",
            len(self.train),
            "lower batch_size or take more images",
        )
        self.steps_per_epoch = len(self.train) // self.recipe.batch_size
        self.total_steps = self.steps_per_epoch * self.epochs
        self.shared_steps = self.recipe.plateau_steps(self.total_steps)
        self.state: TrainState = new_state(self.model, self.recipe, self.device, self.group)
        self.take_step = step_function(self.state, self.recipe, self.device, self.group)
        self.step = 0
        self.history: list[EpochRecord] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.seconds = 0.0
        self.trained_since = 0.0  # when this process would have begun, without all else it did
        self.saver: CheckpointSaver | None = None
        self._classes: ClassCounts | None = None

    def run(self) -> list[EpochRecord]:
        """Train to the end, from the newest whole checkpoint if there is one.

        Raises DivergedError, StoppedError, or torch's out-of-memory error.
        """
        if self.checkpoint_policy is not None:
            limits = self.shared_steps, self.total_steps
            self.saver = CheckpointSaver(self.checkpoint_policy, self.group, *limits)
        finished = self._resume()
        if self.saver is not None:
            self.saver.start()
        while self.step < self.total_steps:
            self._epoch()
        if self.saver is not None and not finished:
            self.saver.save_last(self._checkpoint)
        return self.history

    def class_counts(self) -> ClassCounts:
        """Of the validation images, by the finished weights that the training hands on."""
        if self._classes is None:  # a training that had come to its end was taken up
            self._classes = self._evaluate(self.state.evaluated).classes
        return self._classes

    def _epoch(self) -> None:
        epoch, first = divmod(self.step, self.steps_per_epoch)
        self.trained_since = self._now() - self.seconds
        parts = self._parts(epoch, first)
        enter_training(self.state.model, self.recipe)
        for _ in range(first, self.steps_per_epoch):
            self._learn(islice(parts, self.recipe.accumulate))
            self._save_if_due()
        self._read_clock()
        self._finish_epoch(epoch)

    def _read_clock(self) -> None:
        """Take the seconds once the device has done all steps: a GPU runs far behind the host."""
        self.loss_sum.item()
        self.seconds = self._now() - self.trained_since

    def _learn(self, parts: Iterator[Batch]) -> None:
        # Dropout draws from step and rank alone, so a resumed run needs no generator's state.
        number = (self.seed << 32) + self.step * self.group.world + self.group.rank
        seed_dropout(number, self.device)
        rate = self.recipe.learning_rate_at(self.step, self.total_steps, self.steps_per_epoch)
        loss = self.take_step(rate, parts)
        self.loss_sum += self.group.mean(loss)
        self.step += 1

    def _parts(self, epoch: int, first: int) -> Iterator[Batch]:
        """What this process learns from in an epoch, from step `first` on, augmented."""
        count, size = len(self.train), self.recipe.batch_size
        indices = order(self.seed, epoch, count)[first * size : self.steps_per_epoch * size]
        parts = self.group.shard(indices, self.part_size)
        columns = draws_per_image(self.recipe.augment, self.recipe.auto_augment)
        draws = uniforms(self.seed, epoch, count, columns)
        part_draws = draws_of_parts(draws, parts, self.recipe, self.device)
        side_of = partial(self.recipe.side_px_at, epoch, self.epochs)
        at_once = parts_at_once(self.train, self.recipe, self.part_size, side_of, self.device)
        yield from augmented_parts(self.train, parts, part_draws, self.recipe, side_of, at_once)

    def _finish_epoch(self, epoch: int) -> None:
        loss = self.loss_sum.item() / self.steps_per_epoch
        self.loss_sum.zero_()
        _require_finite(loss, f"the loss of epoch {epoch + 1}")
        state = self.state
        evaluation = self._evaluate(state.model)
        averaged_evaluation = (
            None if state.averaged is None else self._evaluate(state.averaged.module)
        )
        self._classes = (averaged_evaluation or evaluation).classes
        validation, averaged = (
            evaluation.scores,
            None if averaged_evaluation is None else averaged_evaluation.scores,
        )
        for scores in filter(None, (validation, averaged)):
            _require_finite(scores.loss, f"the validation loss of epoch {epoch + 1}")
        self.history.append(EpochRecord(epoch + 1, loss, validation, self.seconds, averaged))
        self.on_epoch(self.history[-1])

    def _evaluate(self, model: nn.Module) -> SplitEvaluation:
        self.group.broadcast_buffers(model)
        return evaluate_split(model, self.validation, self.recipe, self.device, self.group)

    def _save_if_due(self) -> None:
        if self.saver is None:
            return
        ends_epoch = self.step % self.steps_per_epoch == 0
        stop = self.saver.must_stop(self.step, ends_epoch=ends_epoch)
        due = self.saver.is_due(self.step)
        if not (stop or due):
            return
        self._read_clock()
        self.saver.save(self.step, self._checkpoint)
        if stop:
            raise StoppedError(f"stopped at step {self.step} of {self.total_steps}")

    def _checkpoint(self) -> Checkpoint:
        history = [asdict(record) for record in self.history]
        record = {"history": history, "loss_sum": self.loss_sum.item(), "seconds": self.seconds}
        return Checkpoint(self.step, self.state.tensors(), record)

    def _resume(self) -> bool:
        """Take up the newest checkpoint; whether it is this training's own last one."""
        if self.saver is None:
            return False
        checkpoint, finished = self.saver.newest()
        if checkpoint is not None:
            self._restore(checkpoint)
        return finished

    def _restore(self, checkpoint: Checkpoint) -> None:
        record = checkpoint.record
        self.step = checkpoint.step
        self.state.restore(checkpoint.tensors)
        self.history = [epoch_record(entry) for entry in record["history"]]
        self.loss_sum.fill_(record["loss_sum"])
        self.seconds = record["seconds"]
        if self.step and self.step % self.steps_per_epoch == 0:
            last = self.step // self.steps_per_epoch - 1
            if len(self.history) == last:  # saved between an epoch's last step and its score
                self._finish_epoch(last)

    def _now(self) -> float:
        policy = self.checkpoint_policy
        return time.monotonic() if policy is None else policy.clock()


def _require_finite(loss: float, name: str) -> None:
    if not math.isfinite(loss):
        raise DivergedError(f"{name} is {loss}")
