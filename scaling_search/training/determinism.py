"""The same sums in the same order each time: what a GPU does only when it is told to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from scaling_search.core.errors import UserError

# cuBLAS' own way to a fixed order; torch refuses products in deterministic mode without it.
WORKSPACE, FIXED_ORDER = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@contextmanager
def determinism(is_on: bool) -> Iterator[None]:
    """Within this block each operation gives the same bits for the same input on the same device.

    Raises UserError where torch knows no such algorithm for an operation. Not asked for, nothing
    is changed.
    """
    if not is_on:
        yield
        return
    os.environ.setdefault(WORKSPACE, FIXED_ORDER)
    cudnn = torch.backends.cudnn
    settings = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition(",")[0]
        if "does not have a deterministic implementation" not in reason:
            raise
        raise UserError(
            f"deterministic must be false where torch has no such algorithm, got True ({reason}): "
            "leave it out"
        ) from error
    finally:
        mode, cudnn.deterministic, cudnn.benchmark = settings
        torch.set_deterministic_debug_mode(mode)
