"""The few modules that torch does not have as we need them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class GlobalPool(nn.Module):
    """The mean of each channel: B × C × H × W to B × C."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Average over both sides."""
        return images.mean((2, 3))


class LayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of B × C × H × W, or of B × C."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise each pixel's channels."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class Scale(nn.Module):
    """A trained factor for each channel of B × C × H × W."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Multiply each channel by its factor."""
        return images * self.weight.view(-1, 1, 1)


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: what can't be halved goes to the lower right."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Pad B × C × H × W by what this height and width need, then convolve."""
        sides = zip(input.shape[-2:], self.kernel_size, self.stride, strict=True)
        (top, bottom), (left, right) = (_same_padding(*side) for side in sides)
        return super().forward(functional.pad(input, (left, right, top, bottom)))


def _same_padding(side_px: int, kernel: int, stride: int) -> tuple[int, int]:
    missing = max(0, (side_px - 1) // stride * stride + kernel - side_px)
    return missing // 2, missing - missing // 2


class SqueezeExcitation(nn.Module):
    """Channels weighted by a small network that sees their means (arXiv 1709.01507)."""

    def __init__(self, reduce: nn.Module, activation: nn.Module, expand: nn.Module) -> None:
        super().__init__()
        self.reduce, self.activation, self.expand = reduce, activation, expand

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Weigh the channels of B × C × H × W."""
        means = images.mean((2, 3), keepdim=True)
        weights = self.expand(self.activation(self.reduce(means)))
        return images * torch.sigmoid(weights)


class Residual(nn.Module):
    """`branch_scale · body(x) + shortcut(x)`, the body left out at random for whole images.

    `drop_path` is the chance that an image skips the body in training (stochastic depth, arXiv
    1603.09382); where it does not, the body is divided by the chance of staying, so the mean is the
    same. Another `branch_scale` than 1 is set by `nets.residuals`.
    """

    branch_scale = 1.0

    def __init__(self, body: nn.Module, shortcut: nn.Module, drop_path: float) -> None:
        super().__init__()
        self.body, self.shortcut, self.drop_path = body, shortcut, drop_path

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Add the body's output to the shortcut's."""
        change: torch.Tensor = self.body(images)
        if self.branch_scale != 1:
            change = change * self.branch_scale
        if self.training and self.drop_path:
            ones = torch.ones(len(images), 1, 1, 1, device=images.device, dtype=change.dtype)
            change = change * functional.dropout(ones, self.drop_path)
        shortcut: torch.Tensor = self.shortcut(images)
        return shortcut + change
