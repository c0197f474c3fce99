"""From a network to a step: where its images are drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scaling_search.arch import zoo
from scaling_search.core.number_formats import MemoryFormat
from scaling_search.cost.step import Training
from scaling_search.latency.job import Regime
from scaling_search.latency.prepare import loaded


class LargestOnHost(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The most numbers that any tensor made on the CPU holds."""

    numbers = 0

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "cpu":
                self.numbers = max(self.numbers, leaf.numel())
        return made


@pytest.mark.parametrize("memory_format", ["channels-last", "contiguous"])
def test_a_batch_that_fills_a_device_is_never_on_the_host(memory_format: MemoryFormat) -> None:
    # A device that holds nothing stands in for one that holds 35 GB.
    b7 = zoo.get("efficientnet-b7")
    with LargestOnHost() as host:  # type: ignore[no-untyped-call]
        step = loaded(b7, Regime("training", 8192, "float32", memory_format), 8192, "meta")
    assert isinstance(step, Training)
    assert step.images.shape == (8192, 3, 600, 600)
    assert host.numbers == max(p.numel() for p in step.model.parameters())
