"""Which GPU is a process's own: the one that every call means which names none."""

from __future__ import annotations

import torch


def make_current(device: torch.device) -> None:
    """Let all that names no GPU mean this one, in this process from here on.

    Whoever trains or times calls it first: a thread that pins memory takes over the current GPU
    when it starts, and would open a context on the first one. "cuda" without
    a number is the current one already, and a CPU has none.
    """
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
