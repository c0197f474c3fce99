"""Other counters' numbers for a built module, to hold against the analytic walk.

Both count a copy, so neither the module's statistics nor its mode change.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from scaling_search.cost.meta_operations import MetaOperations

CONV_AND_LINEAR = ("conv", "linear")


def count_module(module: nn.Module, input_shape: tuple[int, ...]) -> int:
    """The multiply-adds of one forward pass by torch's counter, half of the FLOPs that it gives.

    `input_shape` is B × C × H × W; convolutions and matrix products are counted. The copy lies on
    the meta device, so no arithmetic is done. Give it an eager module: on a scripted or frozen one
    torch's counter sees next to nothing.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.cost.counters import count_module
        >>> count_module(nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1), (1, 3, 224, 224))
        10838016
    """
    shadow = copy.deepcopy(module).to("meta").eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        shadow(torch.empty(input_shape, device="meta"))
    return int(counter.get_total_flops()) // 2


def fvcore_conv_linear(
    module: nn.Module, input_shape: tuple[int, ...]
) -> tuple[int, dict[str, int]]:
    """fvcore's multiply-adds of convolutions and linear layers, and the operations it leaves out.

    `input_shape` is B × C × H × W. fvcore's own total also holds batch norm and pooling; it can't
    run on the meta device, so the forward pass is really done, on the CPU.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.cost.counters import fvcore_conv_linear
        >>> fvcore_conv_linear(nn.Sequential(nn.Linear(1000, 250), nn.SiLU()), (1, 1000))
        (250000, {'aten::silu': 1})
    """
    shadow = copy.deepcopy(module).cpu().eval()
    # Importing fvcore and tracing warn of torch's deprecations; none of them changes a count.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(shadow, torch.zeros(input_shape))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = analysis.by_operator()
        unsupported = dict(analysis.unsupported_ops())
    return sum(int(by_operator[name]) for name in CONV_AND_LINEAR), unsupported


def forward_costs(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Any, int, int]:
    """What a forward pass returns, its multiply-adds, and the outputs of its convolutions.

    They are the numbers of `count_module` and, in elements, the walk's activations. The module
    lies on the meta device.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.cost.counters import forward_costs
        >>> module = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, device="meta")
        >>> forward_costs(module, (1, 3, 224, 224))[1:]
        (10838016, 401408)
    """
    flops, outputs = FlopCounterMode(display=False), _ConvOutputs()  # type: ignore[no-untyped-call]
    with torch.no_grad(), outputs, flops:
        returned = module(torch.empty(input_shape, device="meta"))
    return returned, int(flops.get_total_flops()) // 2, outputs.elements


_META = MetaOperations()  # many networks of a search have most of their shapes in common


class _ConvOutputs(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, functional calls too, and adds up what convolutions give."""

    elements = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        made = _META(func, args, kwargs or {})
        if func is torch.ops.aten.convolution.default:
            self.elements += made.numel()
        return made
