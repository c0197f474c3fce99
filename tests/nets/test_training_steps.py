"""Networks from elsewhere learn: a few steps on one batch lower its loss."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scaling_search.arch import zoo
from scaling_search.arch.strides import fit_strides
from scaling_search.nets.build import build


@pytest.mark.parametrize(
    ("name", "px", "images", "channels"),
    [
        ("efficientnet-b0-simplified", 32, 16, 3),
        ("efficientnet-b0-simplified", 224, 2, 3),
        ("mobilenet-v1", 32, 16, 1),
        ("regnety-400mf", 33, 16, 4),
    ],
)
def test_a_few_steps_lower_the_loss_of_a_batch(
    name: str, px: int, images: int, channels: int
) -> None:
    torch.manual_seed(0)
    network = fit_strides(zoo.get(name), px).architecture if px < 224 else zoo.get(name)
    model = build(network.fitted(num_classes=10, in_channels=channels)).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    batch, labels = torch.randn(images, channels, px, px), torch.arange(images) % 10
    losses = []
    for _ in range(4):
        loss = functional.cross_entropy(model(batch), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
