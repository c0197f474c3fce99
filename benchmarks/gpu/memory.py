"""Memory: the simulated peak against the allocator's, and what a lack of it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, at_most, equal, within
from scaling_search.arch import zoo
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.cost import step
from scaling_search.cost.device_memory import give_back
from scaling_search.cost.memory import peak_memory
from scaling_search.cost.task import Task
from scaling_search.data.load import describe, forget_splits
from scaling_search.data.request import DataRequest
from scaling_search.jobs.execute import execute
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.jobs.place import Place
from scaling_search.nets.build import build
from scaling_search.training.recipe import Recipe

LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
LEFT_BYTES = 1 << 20  # far less than the network's maps, and no hunt for single numbers


def memory_part(card: Card, out: Path) -> Iterator[Check]:
    """First the jobs, then the peaks, which take most of the time."""
    yield from jobs(card)
    shares: dict[str, float] = {}
    for name, task, batch in card.sizes.peaks:
        for layout in LAYOUTS:
            words = f"{name}, {task}, batch {batch}, {layout}"
            shares[words] = share = peak_share(card, name, task, batch, layout)
            # Channels-last kernels may have workspace that is not the network's.
            low, high = card.sizes.peak_share
            low = low if layout == "contiguous" else 0.9 * low
            yield within(
                "memory", f"{words}: simulated peak over the allocator's", share, low, high
            )
    write_atomically(out / "peak_memory.json", as_json(shares))


def jobs(card: Card) -> Iterator[Check]:
    """A job without memory is a result; the next one runs; a finished one leaves nothing."""
    job, place = small_job(), Place(str(card.device))
    left = [_left_by(job, place, card) for _ in range(2)]
    kinds = [execute(job, place).kind]
    with card.without_memory():
        kinds.append(execute(job, place).kind)
    kinds.append(execute(job, place).kind)
    expected = ["finished", "out-of-memory", "finished"]
    yield equal("memory", "a job, one without memory, the next", kinds, expected)
    # The first leaves what libraries keep for themselves, the second must leave no more.
    more = left[1] - left[0]
    yield at_most("memory", "bytes that a job leaves which is not the first", more, LEFT_BYTES)


def _left_by(job: TrainJob, place: Place, card: Card) -> int:
    """What is allocated once the job has finished, its images apart."""
    execute(job, place)
    forget_splits()
    give_back(card.device)
    return card.allocated_bytes()


def small_job() -> TrainJob:
    """A training of `micro` on drawn images."""
    data = DataRequest(train_images=800, test_images=20)
    info = describe(data)
    network = zoo.get("micro").fitted(
        resolution_px=28, in_channels=info.channels, num_classes=len(info.classes)
    )
    return job_for(network, (data, info), Recipe(), epochs=1, seed=0)


def peak_share(card: Card, name: str, task: Task, batch: int, layout: str) -> float:
    """The simulated peak of a step that is not the first, over what the allocator says."""
    network = zoo.get(name)
    said = peak_memory(network, task, batch, "float32", card.block_bytes).total_bytes
    before, px = card.allocated_bytes(), network.resolution_px
    model = build(network).to(device=card.device, memory_format=LAYOUTS[layout])  # type: ignore[call-overload]  # not in torch's hints
    images = torch.randn(batch, network.in_channels, px, px, device=card.device)
    images = images.contiguous(memory_format=LAYOUTS[layout])
    make = step.inference if task == "inference" else step.training
    one = make(model, images, "float32")
    for _ in range(2):
        one()
    return said / (card.peak_bytes(one) - before)
