"""Small tensors on their way to the device, in the middle of a training's steps."""

from __future__ import annotations

import torch


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device; what a GPU has still to do is not waited for.

    A copy out of ordinary memory would wait for it, one out of pinned memory goes into its queue.
    """
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
