"""What a caller may have set of torch, which trainings must neither take over nor change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes by one thread; afterwards by as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Within, torch is as it is when it is imported: float32, gradients, no autocast, on the CPU.

    A notebook may have set float64 for all tensors, switched gradients off, or made a GPU the
    device of new tensors.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    with ExitStack() as within:
        within.callback(torch.set_default_dtype, dtype)
        within.enter_context(torch.inference_mode(False))
        within.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                within.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":  # costs time at every call: only where needed
            within.enter_context(torch.device("cpu"))
        yield
