"""Small tensors on their way to the device, in the middle of a training's steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device; what a GPU has still to do is not waited for.

    A copy out of ordinary memory would wait for it, one out of pinned memory goes into its queue.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


class PinnedConstants(TorchFunctionMode):
    """Within this block `torch.tensor(numbers, device=gpu)` doesn't wait either.

    torchvision's kernels make their matrices and fills that way, some twenty a batch.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make what is asked for on the host, and send it."""
        named = dict(kwargs or {})
        device = torch.device(named.get("device") or "cpu")
        if func is not torch.tensor or device.type == "cpu":
            return func(*args, **named)
        return to_device(func(*args, **named | {"device": "cpu"}), device)
