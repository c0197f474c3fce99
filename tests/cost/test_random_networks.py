"""Random multipliers of every base network: the walk against torch's and fvcore's counters."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from scaling_search.arch import blocks, zoo
from scaling_search.arch.blocks import ConvDefaults
from scaling_search.arch.layers import Layer
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.cost.analytic import count
from scaling_search.cost.counters import count_module, fvcore_conv_linear
from scaling_search.nets.build import build, module_of

Shape = tuple[int, ...]


def scaled(name: str, n: int) -> Iterator[Architecture]:
    base, rng = zoo.get(name), random.Random(name)
    for _ in range(n):
        depth, width, resolution = (rng.uniform(0.6, 2.0) for _ in range(3))
        yield scale(base, Multipliers(depth, width, max(resolution, 0.7)))


@pytest.mark.parametrize("name", zoo.network_names())
def test_a_random_network_agrees_with_torchs_counter_to_the_integer(name: str) -> None:
    for network in scaled(name, 2 if name < "efficientnet-b4" else 1):
        with torch.device("meta"):
            model = build(network)
        px = network.resolution_px
        assert count_module(model, (1, network.in_channels, px, px)) == count(network).macs


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.network_names())
@pytest.mark.usefixtures("shapes_alone")
def test_two_hundred_random_networks_agree_with_torchs_formulas_to_the_integer(name: str) -> None:
    for network in scaled(name, 200):
        assert torch_macs(network) == count(network).macs


@pytest.mark.parametrize("name", ["efficientnet-b0-small", "micro"])
def test_random_networks_agree_with_fvcore_to_the_integer(name: str) -> None:
    for network in scaled(name, 3):
        shape = (1, network.in_channels, network.resolution_px, network.resolution_px)
        assert fvcore_conv_linear(build(network), shape)[0] == count(network).macs


def torch_macs(network: Architecture) -> int:
    """torch's count of a network, block by block: each kind of block is run once only.

    Shapes come from the modules themselves; a whole network of this many would take minutes.
    """
    px = network.resolution_px
    total, shape = _run(blocks.stem(network), (1, network.in_channels, px, px))
    for in_channels, stage in network.staged():
        for repeat in range(stage.repeats):
            entering, stride = (in_channels, stage.stride) if not repeat else (stage.channels, 1)
            macs, shape = _run_block(stage.once, entering, stride, network.style, shape)
            total += macs
    return total + _run(blocks.head(network), shape)[0]


@cache
def _run_block(
    stage: Stage, in_channels: int, stride: int, style: ConvDefaults, shape: Shape
) -> tuple[int, Shape]:
    return _run(blocks.block(stage, in_channels, stride, style), shape)


def _run(layer: Layer, shape: Shape) -> tuple[int, Shape]:
    with torch.device("meta"):
        module, images = module_of(layer).eval(), torch.empty(shape)
    with _Formulas() as counter, torch.no_grad():
        output = module(images)
    return counter.flops // 2, tuple(output.shape)


def _broadcast(x: torch.Tensor, y: torch.Tensor) -> Sequence[int]:
    shape: torch.Size = torch.broadcast_shapes(x.shape, y.shape)  # type: ignore[no-untyped-call]
    return shape


# Ops without a formula in which torch's Python takes longer than all the rest, and what they make.
_SHAPES: dict[OpOverload, Callable[..., Sequence[int]]] = {
    torch.ops.aten.add.Tensor: _broadcast,
    torch.ops.aten.mul.Tensor: _broadcast,
    torch.ops.aten.sigmoid.default: lambda x: x.shape,
    torch.ops.aten.mean.dim: lambda x, sides, keep=False: (*x.shape[:2], *[1, 1][: 2 * keep]),
}


class _Formulas(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """torch's formulas without the module tree that its own counter keeps beside them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if operation in _SHAPES:
            return args[0].new_empty(_SHAPES[operation](*args))
        result = operation(*args, **(kwargs or {}))
        formula = flop_registry.get(operation.overloadpacket)
        if formula is not None:
            shapes = [each.shape if isinstance(each, torch.Tensor) else each for each in args]
            self.flops += formula.__wrapped__(*shapes, **(kwargs or {}), out_shape=result.shape)
        return result


@pytest.fixture
def shapes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the time of weights that nobody will see, and of what keeps its shape and counts 0.

    torch has no formula for normalisations and activations; without data they take Python longer
    than all the rest.
    """
    for kind in (nn.Conv2d, nn.Linear):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)
    keeps_shape = nn.Identity()
    for make in ("_norm", "_activation"):
        monkeypatch.setattr(f"scaling_search.nets.build.{make}", lambda layer: keeps_shape)


def test_block_by_block_is_the_same_as_the_whole() -> None:
    network = next(scaled("efficientnet-b0", 1))
    with torch.device("meta"):
        model = build(network)
    px = network.resolution_px
    assert torch_macs(network) == count_module(model, (1, 3, px, px))
