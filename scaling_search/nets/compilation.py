"""torch's compiler, held to its word: a network that is said to be compiled is, for its own shapes.

By itself it goes back to the plain network without an error, from the ninth version of one piece of
code on. Networks built here are all one piece of code, that of `nn.Sequential.forward`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn

MOST_VERSIONS = 256  # of one piece of code; as many as torch keeps in all


def compiled(model: nn.Module, mode: str = "default", *, full_graph: bool = False) -> nn.Module:
    """The model compiled when it first runs, anew for every shape; run it within `no_fallback`.

    `full_graph` asks for one graph of all of it. What can't be compiled, whole or in part, is an
    error.
    """
    module = torch.compile(model, mode=mode, dynamic=False, fullgraph=full_graph)
    return cast("nn.Module", module)


@contextmanager
def no_fallback() -> Iterator[None]:
    """Within this block a version too many is an error instead of the plain network."""
    settings: Any = torch.compiler.config
    with settings.patch(recompile_limit=MOST_VERSIONS, fail_on_recompile_limit_hit=True):
        yield


def forget_compiled() -> None:
    """Drop every version that this process has compiled, and the memory of its CUDA graphs."""
    torch.compiler.reset()
