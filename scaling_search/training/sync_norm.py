"""Batch norms whose statistics are those of all processes that train together."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import nn


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """The model with every batch norm synchronised, in its place; parameters keep their names.

    torch's own needs a GPU; on a CPU those of images (B × C × H × W) are replaced by ours.
    """
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return converted
    for name, child in model.named_children():
        model.add_module(name, synchronised(child, device))
    return _twin(model) if type(model) is nn.BatchNorm2d else model


class SyncBatchNorm(nn.BatchNorm2d):
    """A batch norm that sees equal parts of a batch in all processes; for any device."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise each channel of B × C × H × W; on all processes at once in training."""
        if not self.training:
            return super().forward(input)
        images = input.float()
        mean: torch.Tensor = _Mean.apply(images.mean((0, 2, 3)))
        centred = images - mean.view(1, -1, 1, 1)
        variance: torch.Tensor = _Mean.apply(centred.square().mean((0, 2, 3)))
        self._follow(mean.detach(), variance.detach(), input.numel() // input.shape[1])
        normal: torch.Tensor = centred * (variance + self.eps).rsqrt().view(1, -1, 1, 1)
        if self.affine:
            normal = normal * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return normal.to(input.dtype)

    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, count: int) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        everywhere = count * dist.get_world_size()
        # The running variance is the unbiased one, as torch's.
        unbiased = variance * everywhere / max(1, everywhere - 1)
        share = self.momentum
        if share is None:  # the mean of all batches so far
            share = 1 / float(self.num_batches_tracked or 1)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(unbiased, share)


class _Mean(torch.autograd.Function):
    """The mean over the processes, of values and of gradients."""

    @staticmethod
    def forward(_: Any, value: torch.Tensor) -> torch.Tensor:
        return _mean(value)

    @staticmethod
    def backward(_: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _mean(gradient)


def _mean(value: torch.Tensor) -> torch.Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total / dist.get_world_size()


def _twin(norm: nn.BatchNorm2d) -> SyncBatchNorm:
    kind = (norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    twin = SyncBatchNorm(*kind)
    twin.load_state_dict(norm.state_dict())
    return twin
