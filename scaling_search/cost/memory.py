"""Peak memory without allocating it: the step runs on the meta device, live storages are added up.

The sum of all outputs would be several times too much: most of them are gone before the next block.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from scaling_search.arch.spec import Architecture
from scaling_search.core.number_formats import Precision
from scaling_search.cost import step
from scaling_search.cost.meta_operations import MetaOperations, tensors_in
from scaling_search.cost.step import Step
from scaling_search.cost.task import Task
from scaling_search.nets.build import build

# CUDA's caching allocator hands out blocks of multiples of this.
CUDA_BLOCK_BYTES = 512


@dataclass(frozen=True)
class PeakMemory:
    """Bytes at the fullest moment: the network's own, and all else (images, maps, gradients)."""

    network_bytes: int
    live_bytes: int

    @property
    def total_bytes(self) -> int:
        """Both; a library's workspace comes on top."""
        return self.network_bytes + self.live_bytes


# A family asks for the same few networks again and again.
@lru_cache(maxsize=1 << 10)
def peak_memory(
    architecture: Architecture,
    task: Task = "inference",
    batch: int = 1,
    precision: Precision = "float32",
    block_bytes: int = 1,
) -> PeakMemory:
    """The peak of one step on `batch` images of `resolution_px`; each storage fills whole blocks.

    Inference in half precision halves the network; training is that of `cost.step`, gradients and
    momentum included, counted in float32 whatever the precision: autocast keeps float weights and
    decides operation by operation what it shortens, on a real device alone.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.memory import peak_memory
        >>> nano = zoo.get("nano")
        >>> one_image, training = peak_memory(nano), peak_memory(nano, "training", batch=64)
        >>> one_image.network_bytes > 4 * count(nano).params  # batch norms' statistics come on top
        True
        >>> training.live_bytes > 100 * one_image.live_bytes
        True
    """
    px = architecture.resolution_px
    with torch.device("meta"):
        model = build(architecture)
        images = torch.empty(batch, architecture.in_channels, px, px)
    if task == "inference":
        network_step: Step = step.inference(model, images, precision)
    else:
        network_step = step.training(model, images, "float32")
    steps = 1 if task == "inference" else 2  # the first step of an optimiser makes its momentum
    live = peak_live_bytes(
        network_step, [*model.parameters(), *model.buffers()], block_bytes, steps
    )
    return PeakMemory(_network_bytes(model, block_bytes), live)


def peak_live_bytes(
    network_step: Step, tensors: Iterable[torch.Tensor], block_bytes: int = 1, steps: int = 2
) -> int:
    """The most bytes alive during so many steps, in storages that `tensors` does not hold.

    The first step of an optimiser makes what every later one keeps. What the step holds before it
    begins, its images, counts from their first use.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from scaling_search.cost.memory import peak_live_bytes
        >>> layer, row = nn.Linear(1000, 250, device="meta"), torch.empty(1, 1000, device="meta")
        >>> peak_live_bytes(lambda: layer(row), tensors=layer.parameters())
        5000
    """
    tracker = _Tracker(block_bytes)
    for tensor in tensors:
        tracker.leave_out(tensor)
    with tracker:
        for _ in range(steps):
            network_step()
    return tracker.peak_bytes


class _Tracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows every storage that an operation reads or makes, from then to its end."""

    def __init__(self, block_bytes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live_bytes = self.peak_bytes = 0
        self._block_bytes = block_bytes
        self._done = MetaOperations()
        self._known: dict[int, object] = {}

    def leave_out(self, tensor: torch.Tensor) -> None:
        """Never count this tensor's storage; it is held, so that its number stays its own."""
        storage = tensor.untyped_storage()
        self._known[id(storage)] = storage

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        for tensor in tensors_in((args, *kwargs.values())):
            self._follow(tensor)
        result = self._done(operation, args, kwargs)
        for tensor in tensors_in(result):
            self._follow(tensor)
        return result

    def _follow(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)
        if key in self._known:
            return
        size = _rounded(storage.nbytes(), self._block_bytes)

        def ended(_: object) -> None:
            self.live_bytes -= size
            del self._known[key]

        self._known[key] = weakref.ref(storage, ended)
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)


def _network_bytes(model: nn.Module, block_bytes: int) -> int:
    tensors = (*model.parameters(), *model.buffers())
    return sum(_rounded(t.numel() * t.element_size(), block_bytes) for t in tensors)


def _rounded(size: int, block_bytes: int) -> int:
    return -(-size // block_bytes) * block_bytes
