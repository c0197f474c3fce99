"""The training loop: a pure function of (network, images, recipe, epochs, seed)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from scaling_search.data.augment import augment, draws, order
from scaling_search.data.splits import Split
from scaling_search.errors import require
from scaling_search.training import checkpoint
from scaling_search.training.checkpoint import Checkpoint
from scaling_search.training.recipe import Recipe
from scaling_search.training.state import State, new_state

EVALUATION_BATCH = 256

_log = logging.getLogger(__name__)


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number."""


class StoppedError(RuntimeError):
    """Training was asked to stop; its checkpoint is written."""


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch showed; `validation_top1` is a fraction, times are wall seconds."""

    epoch: int
    train_loss: float
    validation_top1: float
    train_seconds: float


@dataclass(frozen=True)
class Keeping:
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
    """One training under way. `run` is the whole of it; resuming gives bitwise the same."""

    model: nn.Module
    train: Split
    validation: Split
    recipe: Recipe
    epochs: int
    seed: int
    device: torch.device
    keeping: Keeping | None = None
    on_epoch: Callable[[EpochRecord], None] = lambda _: None

    def __post_init__(self) -> None:
        """Raise UserError when there are fewer images than a batch, or no epochs."""
        require(self.epochs >= 1, "a training needs at least 1 epoch", self.epochs)
        require(
            len(self.train) >= self.recipe.batch_size,
            f"a batch holds {self.recipe.batch_size} images, so at least as many are needed",
            len(self.train),
            "lower batch_size or take more images",
        )
        self.steps_per_epoch = len(self.train) // self.recipe.batch_size
        self.total_steps = self.steps_per_epoch * self.epochs
        self.fall_begins = self.recipe.plateau_steps(self.total_steps)
        self.state: State = new_state(self.model, self.recipe, self.device)
        self.step = 0
        self.history: list[EpochRecord] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.seconds = 0.0
        self.last_kept = 0.0

    def run(self) -> list[EpochRecord]:
        """Train to the end, from the newest whole checkpoint if there is one.

        Raises DivergedError, StoppedError, or torch's out-of-memory error.
        """
        self._resume()
        self.last_kept = self._now()
        while self.step < self.total_steps:
            self._epoch()
            if self.keeping is not None and self.step == self.total_steps:
                self._save(self.keeping.fall)
        return self.history

    def _epoch(self) -> None:
        epoch, first = divmod(self.step, self.steps_per_epoch)
        began = self._now()
        before = self.seconds
        permutation = order(self.seed, epoch, len(self.train))
        chance = draws(self.seed, epoch, len(self.train))
        self.state.model.train()
        for batch in range(first, self.steps_per_epoch):
            size = self.recipe.batch_size
            self._learn(permutation[batch * size : (batch + 1) * size], chance)
            self.seconds = before + self._now() - began
            self._keep()
        self._finish_epoch(epoch)

    def _learn(self, indices: torch.Tensor, chance: torch.Tensor) -> None:
        recipe, state = self.recipe, self.state
        # Dropout draws from the step alone, so a resumed run needs no generator's state.
        torch.manual_seed((self.seed << 32) + self.step)
        rate = recipe.learning_rate_at(self.step, self.total_steps, self.steps_per_epoch)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        images, labels = batch_on(self.train, indices, self.device)
        images = augment(images, chance[indices], recipe.augment, self.train.mean, self.train.std)
        with _autocast(self.device, recipe):
            logits = state.model(images)
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if recipe.clip_norm:
            state.scaler.unscale_(state.optimizer)
            nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip_norm)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        if state.averaged is not None:
            state.averaged.update_parameters(state.model)
        self.loss_sum += loss.detach().float()
        self.step += 1

    def _finish_epoch(self, epoch: int) -> None:
        loss = self.loss_sum.item() / self.steps_per_epoch
        self.loss_sum.zero_()
        if not torch.isfinite(torch.tensor(loss)):
            raise DivergedError(f"the loss of epoch {epoch + 1} is {loss}")
        top1 = accuracy(self.state.evaluated, self.validation, self.recipe, self.device)
        self.history.append(EpochRecord(epoch + 1, loss, top1, self.seconds))
        self.on_epoch(self.history[-1])

    def _keep(self) -> None:
        if self.keeping is None:
            return
        stop = self.keeping.stop_asked()
        due = self._now() - self.last_kept >= self.keeping.every_seconds
        at_fall = self.step == self.fall_begins and self.step < self.total_steps
        if not (stop or due or at_fall):
            return
        shared = self.step <= self.fall_begins
        self._save(self.keeping.plateau if shared else self.keeping.fall)
        if stop:
            raise StoppedError(f"stopped at step {self.step} of {self.total_steps}")

    def _save(self, folder: Path) -> None:
        try:
            checkpoint.save(folder, Checkpoint(self.step, self.state.tensors(), self._record()))
        except OSError as error:
            # A full disk costs the checkpoint and not the training; the next one may find room.
            _log.warning("no checkpoint of step %d: %s", self.step, error.strerror)
        self.last_kept = self._now()

    def _record(self) -> dict[str, Any]:
        history = [asdict(record) for record in self.history]
        return {"history": history, "loss_sum": self.loss_sum.item(), "seconds": self.seconds}

    def _resume(self) -> None:
        if self.keeping is None:
            return
        kept = next(checkpoint.whole(self.keeping.fall, at_most=self.total_steps), None)
        if kept is None:
            kept = next(checkpoint.whole(self.keeping.plateau, at_most=self.fall_begins), None)
        if kept is not None:
            self._take(kept.step, kept.tensors, kept.record)

    def _take(
        self, step: int, tensors: Mapping[str, torch.Tensor], record: Mapping[str, Any]
    ) -> None:
        self.step = step
        self.state.restore(tensors)
        self.history = [EpochRecord(**entry) for entry in record["history"]]
        self.loss_sum.fill_(record["loss_sum"])
        self.seconds = record["seconds"]
        if self.step and self.step % self.steps_per_epoch == 0:
            last = self.step // self.steps_per_epoch - 1
            if len(self.history) == last:  # kept between an epoch's last step and its score
                self._finish_epoch(last)

    def _now(self) -> float:
        return time.monotonic() if self.keeping is None else self.keeping.clock()


def batch_on(
    split: Split, indices: torch.Tensor, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The images (uint8, B × C × H × W) and labels (B) of these indices, on the device."""
    images = split.fetch(indices).to(device, non_blocking=True)
    return images, split.labels[indices].to(device, non_blocking=True)


@torch.inference_mode()
def accuracy(model: nn.Module, split: Split, recipe: Recipe, device: torch.device) -> float:
    """Top-1 accuracy of the model on a split, a fraction; the images are not augmented."""
    model.eval()
    right = torch.zeros((), dtype=torch.long, device=device)
    for indices in torch.split(torch.arange(len(split)), EVALUATION_BATCH):
        images, labels = batch_on(split, indices, device)
        with _autocast(device, recipe):
            logits = model(augment(images, None, "none", split.mean, split.std))
        right += (logits.argmax(1) == labels).sum()
    return float(right.item() / len(split))


def _autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float16
    return torch.autocast(device.type, dtype=dtype, enabled=recipe.precision != "float32")
