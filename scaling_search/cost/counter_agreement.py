"""Three counters held together: the analytic walk, torch's and fvcore's, and what each leaves out.

No counter counts everything. Agreement means something only beside the list of what was not
counted, so that list is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import count
from scaling_search.cost.counters import count_module, fvcore_conv_linear
from scaling_search.nets.build import build


@dataclass(frozen=True)
class CounterAgreement:
    """Multiply-adds of one image by three counters, and how often each operation was left out.

    The walk leaves out what it reports as elementwise work instead, in elements.
    """

    analytic_macs: int
    torch_macs: int
    fvcore_macs: int
    analytic_elementwise: int
    torch_left_out: dict[str, int]
    fvcore_left_out: dict[str, int]

    @property
    def agree(self) -> bool:
        """Whether all three give the same number, to the integer."""
        return self.analytic_macs == self.torch_macs == self.fvcore_macs


def counter_agreement(architecture: Architecture) -> CounterAgreement:
    """Count by all three; fvcore really runs the network, on the CPU, so a large one takes time.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.counter_agreement import counter_agreement
        >>> counted = counter_agreement(zoo.get("nano"))
        >>> counted.analytic_macs, counted.torch_macs, counted.fvcore_macs
        (206016, 206016, 206016)
    """
    cost, px = count(architecture), architecture.resolution_px
    shape = (1, architecture.in_channels, px, px)
    with torch.device("meta"):
        model = build(architecture)
    torch_macs, torch_left_out = count_module(model, shape), uncounted(model, shape)
    fvcore_macs, fvcore_left_out = fvcore_conv_linear(build(architecture), shape)
    return CounterAgreement(
        cost.macs, torch_macs, fvcore_macs, cost.elementwise, torch_left_out, fvcore_left_out
    )


def uncounted(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int]:
    """The operations, by name, for which torch's counter has no formula; a model on meta.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.cost.counter_agreement import uncounted
        >>> model = nn.Sequential(nn.Linear(8, 4, device="meta"), nn.ReLU())
        >>> "aten::relu" in uncounted(model, (1, 8))
        True
    """
    listing = _Listing()
    with listing, torch.no_grad():
        model.eval()(torch.empty(input_shape, device="meta"))
    return dict(sorted(listing.uncounted.items()))


class _Listing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the calls of operations that torch's counter does not know."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uncounted: dict[str, int] = {}

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        packet = operation.overloadpacket
        if packet not in flop_registry:
            name = str(packet).replace(".", "::")
            self.uncounted[name] = self.uncounted.get(name, 0) + 1
        return operation(*args, **(kwargs or {}))
