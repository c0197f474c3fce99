"""From a network to a step that can be timed: built, cast, laid out, compiled if asked."""

from __future__ import annotations

from dataclasses import replace

import torch

from scaling_search.arch.spec import Architecture
from scaling_search.cost import step
from scaling_search.cost.device_memory import lacks_memory
from scaling_search.cost.step import Step
from scaling_search.latency.job import Regime
from scaling_search.latency.protocol import DeviceFullError
from scaling_search.nets.build import build
from scaling_search.nets.compilation import compiled

IMAGES_SEED = 0


def loaded(network: Architecture, regime: Regime, batch: int, device: str) -> Step:
    """The step of this regime on the device; raises DeviceFullError.

    Weights and images are random: zeros would make some arithmetic faster than it is.
    """
    try:
        return _loaded(network, regime, batch, device)
    except (RuntimeError, MemoryError) as error:
        raise as_full(error) from error


def as_full(error: Exception) -> Exception:
    """The error as a fresh DeviceFullError if memory was lacking, else as it is."""
    if isinstance(error, DeviceFullError) or lacks_memory(error):
        return DeviceFullError(str(error).split("\n", 1)[0])
    return error


def _loaded(network: Architecture, regime: Regime, batch: int, device: str) -> Step:
    torch.manual_seed(IMAGES_SEED)
    layout = (
        torch.channels_last if regime.memory_format == "channels-last" else torch.contiguous_format
    )
    model = build(network).to(device=device, memory_format=layout)  # type: ignore[call-overload]  # not in torch's hints
    px = network.resolution_px
    # Drawn where they are needed: a batch that fills a GPU is more than many a host has.
    images = torch.randn(batch, network.in_channels, px, px, device=device)
    images = images.contiguous(memory_format=layout)
    make = step.inference if regime.task == "inference" else step.training
    network_step = make(model, images, regime.precision)
    return _compiled(network_step) if regime.mode == "compile" else network_step


def _compiled(network_step: step.Inference | step.Training) -> Step:
    return replace(network_step, model=compiled(network_step.model, full_graph=True))
