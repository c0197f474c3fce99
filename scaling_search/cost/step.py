"""One step of a network, as it is timed and as its memory is counted: inference, or training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from scaling_search.core.number_formats import Precision

DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "tf32": torch.float32,  # the same numbers in memory, shorter ones in the multiplier
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
Step = Callable[[], object]


@dataclass(frozen=True)
class Inference:
    """The logits of one batch; the network is cast to the precision as a whole."""

    model: nn.Module
    images: torch.Tensor

    def __call__(self) -> torch.Tensor:
        """Do it once."""
        with torch.inference_mode():
            logits: torch.Tensor = self.model(self.images)
        return logits


@dataclass(frozen=True)
class Training:
    """Forward, backward and an update by SGD with momentum; float weights under autocast."""

    model: nn.Module
    images: torch.Tensor
    labels: torch.Tensor
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    autocast_to: torch.dtype | None

    def __call__(self) -> None:
        """Do it once; gradients do not outlive the step."""
        half, kind = self.autocast_to, self.images.device.type
        with torch.autocast(kind, dtype=half) if half else nullcontext():
            loss = functional.cross_entropy(self.model(self.images), self.labels)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)


def inference(model: nn.Module, images: torch.Tensor, precision: Precision) -> Inference:
    """The inference step; casts model and images, and switches the model to evaluation.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from scaling_search.cost.step import inference
        >>> images = torch.zeros(2, 8)
        >>> inference(nn.Linear(8, 4), images, "bfloat16")().dtype
        torch.bfloat16
    """
    dtype = DTYPES[precision]
    return Inference(model.to(dtype).eval(), images.to(dtype))


def training(model: nn.Module, images: torch.Tensor, precision: Precision) -> Training:
    """The training step, on labels that are all 0: which class it is costs no time.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from scaling_search.cost.step import training
        >>> step = training(nn.Linear(8, 4), torch.ones(2, 8), "float32")
        >>> before = step.model.bias.clone()
        >>> step()
        >>> bool((step.model.bias != before).any()), step.model.bias.grad is None
        (True, True)
    """
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    dtype, kind = DTYPES[precision], images.device.type
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    # Disabled, it passes everything through.
    scaler = torch.amp.GradScaler("cpu" if kind == "meta" else kind, enabled=precision == "float16")
    half = None if dtype == torch.float32 else dtype
    return Training(model.train(), images, labels, optimizer, scaler, half)
