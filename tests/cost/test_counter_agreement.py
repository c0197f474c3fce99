"""The three counters held together, and what each leaves out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from scaling_search.arch import zoo
from scaling_search.cost.analytic import count
from scaling_search.cost.counter_agreement import counter_agreement
from scaling_search.nets.build import build


def test_the_three_counters_agree_and_say_what_they_leave_out() -> None:
    found = counter_agreement(zoo.get("efficientnet-b0"))
    assert found.agree
    assert found.analytic_macs == 385_814_752
    assert found.torch_left_out["aten::native_batch_norm"] == 49
    assert found.torch_left_out["aten::sigmoid"] == 16
    assert not any("conv" in name or "addmm" in name for name in found.torch_left_out)
    assert found.fvcore_left_out["aten::sigmoid"] == 16


@pytest.mark.parametrize("counter", ["analytic_macs", "torch_macs", "fvcore_macs"])
def test_one_multiply_add_more_is_a_difference(counter: str) -> None:
    found = counter_agreement(zoo.get("micro"))
    assert not replace(found, **{counter: getattr(found, counter) + 1}).agree


class _Elements(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the elements that elementwise operations and reductions read."""

    LARGEST_OF = (
        *("batch_norm", "layer_norm", "max_pool", "silu", "relu", "hardtanh", "gelu"),
        *("sigmoid", "mean", "mul", "add"),
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements = 0

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = operation.overloadpacket.__name__
        if name != "addmm" and any(part in name for part in self.LARGEST_OF):
            self.elements += args[0].numel()
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", zoo.network_names())
def test_elementwise_work_is_what_the_built_module_does(name: str) -> None:
    network = zoo.get(name)
    with torch.device("meta"):
        model = build(network).eval()
    px = network.resolution_px
    with _Elements() as found, torch.no_grad():
        model(torch.empty(1, network.in_channels, px, px, device="meta"))
    assert found.elements == count(network).elementwise
