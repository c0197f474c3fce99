"""Two loops of others on a network of ours: timm's train step, and one in the way of airbench.

Neither reads files. timm's images lie ready on the device; the other, like cifar10-airbench, keeps
a set there in half precision and crops and flips all of it once an epoch.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.util import find_spec

import torch
from torch import nn
from torch.nn import functional

from gpu.contestants import STEPS_AN_EPOCH, Contestant, fresh
from gpu.sizes import Trained
from gpu.trainings import CLASSES, noise
from scaling_search.training.train_state import MEMORY_FORMATS

SMOOTHING, RATE, MOMENTUM, DECAY = 0.1, 0.1, 0.9, 5e-4


def peers(work: Trained, device: torch.device) -> Iterator[Contestant]:
    """The loops that can run here: timm's where it is installed."""
    if find_spec("timm") is not None:
        yield timm_step(work, device)
    yield airbench_step(work, device)


def timm_step(work: Trained, device: torch.device) -> Contestant:
    """Of timm's train.py with --amp: autocast, its SGD, its smoothed loss."""
    layout = MEMORY_FORMATS["channels-last"]
    model = fresh(work).to(device, memory_format=layout).train()  # type: ignore[call-overload]
    optimizer = importlib.import_module("timm.optim").create_optimizer_v2(
        model, opt="sgd", lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
    )
    loss_of = importlib.import_module("timm.loss").LabelSmoothingCrossEntropy(SMOOTHING)
    images = torch.randn((work.batch, work.channels, work.px, work.px), device=device)
    images = images.contiguous(memory_format=layout)
    labels = torch.randint(0, CLASSES, (work.batch,), device=device)

    def step() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return Contestant("timm", step)


def airbench_step(work: Trained, device: torch.device) -> Contestant:
    """All of the network in half precision but for its norms; a CPU keeps float32."""
    half = torch.float16 if device.type == "cuda" else torch.float32
    layout = MEMORY_FORMATS["channels-last"]
    model = fresh(work).to(device, memory_format=layout).train()  # type: ignore[call-overload]
    for module in model.modules():
        if not isinstance(module, nn.BatchNorm2d):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(half)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=RATE / work.batch, momentum=MOMENTUM, nesterov=True
    )
    batches = _epochs(work, device, half)

    def step() -> None:
        images, labels = next(batches)
        logits = model(images).float()
        loss = functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING, reduction="sum")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return Contestant("airbench", step)


def _epochs(
    work: Trained, device: torch.device, half: torch.dtype
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches without end: each epoch all of the set is cropped out of a frame and flipped."""
    split = noise(work, STEPS_AN_EPOCH * work.batch, device)
    reach = max(1, work.px // 8)
    whole = ((split.images.to(half) / 255) - 0.5) / 0.25
    framed = functional.pad(whole, (reach,) * 4, mode="reflect")
    labels = split.labels.to(device)
    while True:
        seen = _flipped(_cropped(framed, work.px, reach))
        seen = seen.contiguous(memory_format=torch.channels_last)
        for at in torch.split(torch.randperm(len(labels), device=device), work.batch):
            yield seen[at], labels[at]


def _cropped(framed: torch.Tensor, px: int, reach: int) -> torch.Tensor:
    """One pass for each place: all images whose place it is are copied at once."""
    places = torch.randint(0, 2 * reach + 1, (2, len(framed)), device=framed.device)
    rows = framed.new_empty((*framed.shape[:2], px, framed.shape[-1]))
    for top in range(2 * reach + 1):
        chosen = (places[0] == top).view(-1, 1, 1, 1)
        rows = torch.where(chosen, framed[:, :, top : top + px], rows)
    made = rows[..., :px]
    for left in range(1, 2 * reach + 1):
        chosen = (places[1] == left).view(-1, 1, 1, 1)
        made = torch.where(chosen, rows[..., left : left + px], made)
    return made


def _flipped(images: torch.Tensor) -> torch.Tensor:
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)
