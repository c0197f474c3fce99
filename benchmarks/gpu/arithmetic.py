"""Is "float32" float32, and "tf32" TF32? The errors of a convolution and a product say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, equal, within
from scaling_search.core.number_formats import Precision
from scaling_search.cost.arithmetic import arithmetic

# 24 bits of mantissa leave about 1e-7 of the largest value, the 11 of TF32 about 1e-3.
ERRORS = {"ieee": (0.0, 2e-5), "tf32": (5e-5, 5e-3)}


def arithmetic_part(card: Card, _out: Path) -> Iterator[Check]:
    """Each precision's error, and the switches as they read."""
    images = torch.randn(8, 64, 32, 32, device=card.device)
    weights = torch.randn(64, 64, 3, 3, device=card.device)
    precisions: tuple[Precision, ...] = ("float32", "tf32")
    for precision in precisions:
        expected = "tf32" if precision == "tf32" and card.has_tf32 else "ieee"
        with arithmetic(precision, card.device) as in_force:
            yield equal("arithmetic", f"{precision}: switches", in_force, expected)
            for operation, error in _errors(images, weights).items():
                limits = ERRORS[expected]
                yield within("arithmetic", f"{precision}: error of a {operation}", error, *limits)


def _errors(images: torch.Tensor, weights: torch.Tensor) -> dict[str, float]:
    """The largest error over the largest value, against float64."""
    flat = weights.view(64, -1)
    return {
        "convolution": _error(
            torch.conv2d(images, weights), torch.conv2d(images.double(), weights.double())
        ),
        "product": _error(flat @ flat.T, flat.double() @ flat.double().T),
    }


def _error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found.double() - exact).abs().max() / exact.abs().max())
