"""The memory that a training takes at its fullest moment, simulated."""

from __future__ import annotations

from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import count
from scaling_search.cost.memory import peak_memory
from scaling_search.data.prepare import RESIDENT_BYTES
from scaling_search.data.request import DataInfo
from scaling_search.jobs.job import TrainJob
from scaling_search.training.recipe import Optimizer

# Slots of the optimiser beyond the momentum that the simulated step has; each is float32.
MORE_SLOTS: dict[Optimizer, int] = {"sgd": 0, "adamw": 1, "rmsprop": 1}


def training_memory(job: TrainJob) -> int | None:
    """The bytes of a training's fullest step, on one part of its batch; None for a function.

    At most: numbers are taken as float32, whatever the precision. A library's workspace comes on
    top, and what a process holds without any network.
    """
    if not isinstance(job.architecture, Architecture):
        return None
    recipe = job.recipe
    peak = peak_memory(job.architecture, "training", recipe.batch_size // recipe.accumulate)
    copies = MORE_SLOTS[recipe.optimizer] + (1 if recipe.ema_decay else 0)
    return peak.total_bytes + 4 * copies * count(job.architecture).params


def resident_bytes(job: TrainJob, info: DataInfo) -> int:
    """The bytes of the images that lie on a GPU beside a training: none where they are streamed."""
    pixels = info.channels * job.architecture.resolution_px**2
    splits = [info.train_images, info.validation_images]
    return sum(pixels * images for images in splits if pixels * images <= RESIDENT_BYTES)
