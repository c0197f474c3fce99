"""Averaged weights: torch's own numbers, by two kernels a step and without a question."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils._python_dispatch import TorchDispatchMode

from scaling_search.training.averaging import AveragedWeights


class Operations(TorchDispatchMode):
    """The names of the operations, in order."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in (torch.ops.aten.detach.default, torch.ops.aten.alias.default):
            self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3))


def moved(model: nn.Module, step: int) -> None:
    """Other weights and statistics, as after a step."""
    generator = torch.Generator().manual_seed(step)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.randn(tensor.shape, generator=generator)
        else:
            tensor.fill_(step)


@pytest.mark.parametrize("warms_up", [False, True])
def test_an_update_is_two_kernels_and_asks_the_device_nothing(warms_up: bool) -> None:
    model = network()
    averaged = AveragedWeights(model, 0.9, warms_up=warms_up)
    averaged.update()
    for step in range(3):
        moved(model, step)
        with Operations() as seen:
            averaged.update()
        assert seen.names == ["_foreach_lerp_.Scalar", "_foreach_copy_.default"]


def test_its_numbers_are_torchs_and_its_counts_the_models() -> None:
    model = network()
    ours = AveragedWeights(model, 0.9, warms_up=False)
    average = get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    theirs = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    for step in range(5):
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                tensor.add_(step + 1)
        ours.update()
        theirs.update_parameters(model)
    weights, expected = ours.state_dict(), theirs.state_dict()
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        if "num_batches" not in name:
            assert torch.equal(weights[name], value), name
    batches = "1.num_batches_tracked"
    assert ours.module.get_buffer(batches) == model.get_buffer(batches)


def test_a_buffer_that_the_model_replaces_is_followed_all_the_same() -> None:
    model = network()
    norm = model[1]
    averaged = AveragedWeights(model, 0.75, warms_up=False)
    averaged.update()
    norm.running_mean = torch.full((4,), 8.0)  # was 0
    averaged.update()
    assert averaged.module.get_buffer("1.running_mean").tolist() == [2.0] * 4


def test_weights_that_two_layers_share_are_followed_once() -> None:
    first, second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    averaged = AveragedWeights(model, 0.75, warms_up=False)
    nn.init.constant_(first.weight, 4.0)
    averaged.update()
    nn.init.constant_(first.weight, 8.0)
    averaged.update()
    weights = [averaged.module.get_parameter(f"{place}.weight").item() for place in (0, 1)]
    assert weights == [5.0, 5.0]


def test_it_goes_on_from_its_tensors() -> None:
    def after(averaged: AveragedWeights, model: nn.Module) -> dict[str, torch.Tensor]:
        for step in range(3, 6):
            moved(model, step)
            averaged.update()
        return averaged.state_dict()

    model = network()
    straight = AveragedWeights(model, 0.9, warms_up=True)
    for step in range(3):
        moved(model, step)
        straight.update()
    checkpoint = {name: tensor.clone() for name, tensor in straight.state_dict().items()}
    expected = {name: tensor.clone() for name, tensor in after(straight, model).items()}
    other = network()
    resumed = AveragedWeights(other, 0.9, warms_up=True)
    resumed.load_state_dict(checkpoint)
    other.load_state_dict(model.state_dict())
    weights = after(resumed, other)
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
