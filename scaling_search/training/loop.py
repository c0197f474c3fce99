"""The training loop: a pure function of (network, images, recipe, epochs, seed)."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scaling_search.core.errors import require
from scaling_search.data.augment import draws_per_image, order, uniforms
from scaling_search.data.splits import Batch, Split
from scaling_search.training import checkpoint
from scaling_search.training.backbone import enter_training
from scaling_search.training.batches import augmented_parts, chances, parts_at_once
from scaling_search.training.captured import steps_of
from scaling_search.training.checkpoint import Checkpoint
from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.evaluate import SplitEvaluation, evaluate_split
from scaling_search.training.history import ClassCounts, EpochRecord, epoch_record
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import seed_chance
from scaling_search.training.stopping import StopRequest
from scaling_search.training.train_state import TrainState, new_state

_log = logging.getLogger(__name__)


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number."""


class StoppedError(RuntimeError):
    """Training was asked to stop; its checkpoint is written."""


@dataclass(frozen=True)
class CheckpointPolicy:
    """Where a training's checkpoints go, and when it must stop.

    The plateau is shared by every training that differs only in its length, the fall belongs to
    one training; hence two folders.
    """

    plateau: Path
    fall: Path
    every_seconds: float = 60.0
    stop_asked: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic


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
    keeping: CheckpointPolicy | None = None
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
        self.take_step = steps_of(self.state, self.recipe, self.device, self.group)
        self.step = 0
        self.history: list[EpochRecord] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.seconds = 0.0
        self.trained_since = 0.0  # when this process would have begun, without all else it did
        self.last_kept = 0.0
        self._classes: ClassCounts | None = None

    def run(self) -> list[EpochRecord]:
        """Train to the end, from the newest whole checkpoint if there is one.

        Raises DivergedError, StoppedError, or torch's out-of-memory error.
        """
        finished = self._resume()
        self.last_kept = self._now()
        if self.keeping is not None:
            self.stop = StopRequest(self.group, self.keeping.stop_asked, self._now)
        while self.step < self.total_steps:
            self._epoch()
        if self.keeping is not None and not finished:
            if self.shared_steps == self.total_steps:  # a longer training begins with all of it
                self._save(self.keeping.plateau)
            self._save(self.keeping.fall)
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
            self._keep()
        self._read_clock()
        self._finish_epoch(epoch)

    def _read_clock(self) -> None:
        """Take the seconds once the device has done all steps: a GPU runs far behind the host."""
        self.loss_sum.item()
        self.seconds = self._now() - self.trained_since

    def _learn(self, parts: Iterator[Batch]) -> None:
        # Dropout draws from step and rank alone, so a resumed run needs no generator's state.
        number = (self.seed << 32) + self.step * self.group.world + self.group.rank
        seed_chance(number, self.device)
        rate = self.recipe.learning_rate_at(self.step, self.total_steps, self.steps_per_epoch)
        loss = self.take_step(rate, parts)
        self.loss_sum += self.group.mean(loss)
        self.step += 1

    def _parts(self, epoch: int, first: int) -> Iterator[Batch]:
        """What this process learns from in an epoch, from step `first` on, augmented."""
        count, size = len(self.train), self.recipe.batch_size
        whole = order(self.seed, epoch, count)[first * size : self.steps_per_epoch * size]
        own = self.group.own(whole, self.part_size)
        columns = draws_per_image(self.recipe.augment, self.recipe.auto_augment)
        drawn = uniforms(self.seed, epoch, count, columns)
        chance = chances(drawn, own, self.recipe, self.device)
        side_of = partial(self.recipe.side_px_at, epoch, self.epochs)
        at_once = parts_at_once(self.train, self.recipe, self.part_size, side_of, self.device)
        yield from augmented_parts(self.train, own, chance, self.recipe, side_of, at_once)

    def _finish_epoch(self, epoch: int) -> None:
        loss = self.loss_sum.item() / self.steps_per_epoch
        self.loss_sum.zero_()
        _require_finite(loss, f"the loss of epoch {epoch + 1}")
        state = self.state
        found = self._evaluate(state.model)
        smooth = None if state.averaged is None else self._evaluate(state.averaged.module)
        self._classes = (smooth or found).classes
        validation, averaged = found.scores, None if smooth is None else smooth.scores
        for scores in filter(None, (validation, averaged)):
            _require_finite(scores.loss, f"the validation loss of epoch {epoch + 1}")
        self.history.append(EpochRecord(epoch + 1, loss, validation, self.seconds, averaged))
        self.on_epoch(self.history[-1])

    def _evaluate(self, model: nn.Module) -> SplitEvaluation:
        self.group.take_buffers(model)
        return evaluate_split(model, self.validation, self.recipe, self.device, self.group)

    def _keep(self) -> None:
        if self.keeping is None:
            return
        stop = self.stop.at(self.step, ends_epoch=self.step % self.steps_per_epoch == 0)
        due = self._now() - self.last_kept >= self.keeping.every_seconds
        at_fall = self.step == self.shared_steps and self.step < self.total_steps
        if not (stop or due or at_fall):
            return
        self._read_clock()
        shared = self.step <= self.shared_steps
        self._save(self.keeping.plateau if shared else self.keeping.fall)
        if stop:
            raise StoppedError(f"stopped at step {self.step} of {self.total_steps}")

    def _save(self, folder: Path) -> None:
        if not self.group.is_main:
            return
        try:
            checkpoint.save(folder, Checkpoint(self.step, self.state.tensors(), self._record()))
        except OSError as error:
            # A full disk costs the checkpoint and not the training; the next one may find room.
            _log.warning("no checkpoint of step %d: %s", self.step, error.strerror)
        self.last_kept = self._now()

    def _record(self) -> dict[str, Any]:
        history = [asdict(record) for record in self.history]
        return {"history": history, "loss_sum": self.loss_sum.item(), "seconds": self.seconds}

    def _resume(self) -> bool:
        """Take up the newest checkpoint; whether it is this training's own last one."""
        if self.keeping is None:
            return False
        own = kept = None
        if self.group.is_main:
            own = next(checkpoint.whole(self.keeping.fall, at_most=self.total_steps), None)
            shared = checkpoint.whole(self.keeping.plateau, at_most=self.shared_steps)
            kept = own or next(shared, None)
        # One reads for all: two that read might find different ones whole.
        kept = self.group.of_the_first(kept)
        if kept is not None:
            self._take(kept.step, kept.tensors, kept.record)
        return own is not None and own.step == self.total_steps

    def _take(
        self, step: int, tensors: Mapping[str, torch.Tensor], record: Mapping[str, Any]
    ) -> None:
        self.step = step
        self.state.restore(tensors)
        self.history = [epoch_record(entry) for entry in record["history"]]
        self.loss_sum.fill_(record["loss_sum"])
        self.seconds = record["seconds"]
        if self.step and self.step % self.steps_per_epoch == 0:
            last = self.step // self.steps_per_epoch - 1
            if len(self.history) == last:  # kept between an epoch's last step and its score
                self._finish_epoch(last)

    def _now(self) -> float:
        return time.monotonic() if self.keeping is None else self.keeping.clock()


def _require_finite(loss: float, what: str) -> None:
    if not math.isfinite(loss):
        raise DivergedError(f"{what} is {loss}")
