"""A network that no table describes: the user's own function `(Multipliers) -> nn.Module`.

It is scaled by calling the function, counted by torch on the meta device and told apart by the
shapes of its parameters; search, comparison and report then treat it like any other network.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from scaling_search.arch.rounding import round_px
from scaling_search.arch.scaling import Multipliers
from scaling_search.arch.spec import Stage
from scaling_search.cost.counters import conv_outputs, count_module
from scaling_search.errors import UserError, require
from scaling_search.identity import digest

Function = Callable[[Multipliers], nn.Module]


@dataclass(frozen=True)
class Foreign:
    """The network that a function makes for a depth and a width, at a resolution.

    `function` is "module:name" and `source` a digest of the module's text, for an edited function
    makes other networks. `shapes` is a digest of the parameters' names and shapes: multipliers
    that make the same network make equal values. Raises UserError when the function can't be
    imported, fails, or makes a network whose logits are not B × num_classes.
    """

    name: str = field(compare=False)
    function: str
    source: str
    shapes: str
    resolution_px: int
    in_channels: int
    num_classes: int
    depth: float = field(default=1.0, compare=False)
    width: float = field(default=1.0, compare=False)

    # What only networks with a table have.
    stages: ClassVar[tuple[Stage, ...]] = ()
    total_stride: ClassVar[int] = 1

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for the network in files; the name does not count."""
        return digest(self)

    def with_name(self, name: str) -> Foreign:
        """The same network under another name."""
        return replace(self, name=name)

    def deeper(self, depth: float) -> Foreign:
        """The network whose multiplier of depth is `depth` times as large."""
        return self._made(f"d{depth:.2f}", self.depth * depth, self.width)

    def wider(self, width: float) -> Foreign:
        """The network whose multiplier of width is `width` times as large."""
        return self._made(f"w{width:.2f}", self.depth, self.width * width)

    def finer(self, resolution: float) -> Foreign:
        """The network at a side `resolution` times as large, to the nearest pixel."""
        px = round_px(self.resolution_px, resolution)
        return replace(self, name=f"{self.name} r{resolution:.2f}", resolution_px=px)

    def module(self) -> nn.Module:
        """The network with fresh weights, from torch's generator."""
        return _call(self.function, Multipliers(self.depth, self.width))

    def costs(self) -> tuple[int, int, int]:
        """MACs by torch's counter, parameters, and the outputs of convolutions, for one image."""
        shape = (1, self.in_channels, self.resolution_px, self.resolution_px)
        return _cost(self.function, self.source, self.depth, self.width, shape, self.num_classes)

    def _made(self, change: str, depth: float, width: float) -> Foreign:
        name, shapes = f"{self.name} {change}", _shapes(self.function, self.source, depth, width)
        return replace(self, name=name, shapes=shapes, depth=depth, width=width)


def foreign(function: str, *, resolution_px: int, in_channels: int, num_classes: int) -> Foreign:
    """The base network of a function "module:name"; it has been built and counted once."""
    require(resolution_px >= 1, "a network's images need at least 1 px", resolution_px)
    source = digest(_source(function))
    shapes = _shapes(function, source, 1.0, 1.0)
    name = function.rpartition(":")[2]
    base = Foreign(name, function, source, shapes, resolution_px, in_channels, num_classes)
    base.costs()
    return base


def load_function(path: str) -> Function:
    """The function that "module:name" names; raises UserError when there is none."""
    module, _, name = path.partition(":")
    rule = "a network function is named module:function, in a module that Python finds"
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{rule}, got {path!r}: {error}") from None
    require(callable(function), rule, path)
    made: Function = function
    return made


def _source(function: str) -> str:
    where = inspect.getsourcefile(inspect.unwrap(load_function(function)))
    return Path(where).read_text(encoding="utf-8") if where else ""


def _call(function: str, multipliers: Multipliers) -> nn.Module:
    try:
        made: Any = load_function(function)(multipliers)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{function} must make a network for {multipliers}, got {type(error).__name__}: {error}"
        ) from error
    require(isinstance(made, nn.Module), f"{function} must return a torch module", type(made))
    module: nn.Module = made
    return module


# `source` is in the keys so that nothing is remembered of a function that has been edited since.
@lru_cache(maxsize=4096)
def _shapes(function: str, source: str, depth: float, width: float) -> str:
    del source
    with torch.device("meta"):
        module = _call(function, Multipliers(depth, width))
    return digest([[name, list(p.shape)] for name, p in module.named_parameters()])


@lru_cache(maxsize=65536)
def _cost(
    function: str,
    source: str,
    depth: float,
    width: float,
    shape: tuple[int, ...],
    num_classes: int,
) -> tuple[int, int, int]:
    del source
    with torch.device("meta"):
        module = _call(function, Multipliers(depth, width)).eval()
    try:
        with torch.no_grad():
            logits = module(torch.empty(shape, device="meta"))
    except (RuntimeError, ValueError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            f"{function} must take images of shape {shape}, got {type(error).__name__}: {first}"
        ) from error
    rule = f"{function} must return logits of shape {(1, num_classes)}"
    require(tuple(logits.shape) == (1, num_classes), rule, tuple(logits.shape))
    params = sum(parameter.numel() for parameter in module.parameters())
    return count_module(module, shape), params, conv_outputs(module, shape)
