"""A network that no table describes: the user's own function `(Multipliers) -> nn.Module`.

It is scaled by calling the function, counted by torch on the meta device and told apart by the
modules it is made of and the code it rests on; search, comparison and report then treat it like any
other network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import ClassVar

import torch
from torch import nn

from scaling_search.arch.rounding import round_px
from scaling_search.arch.scaling import Multipliers
from scaling_search.arch.spec import Stage
from scaling_search.core.errors import UserError, require
from scaling_search.core.hashing import digest
from scaling_search.cost.counters import forward_costs
from scaling_search.cost.function_code import FunctionCode, code_of
from scaling_search.cost.user_function import load_function, make_network, what_failed

ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")  # in words about an object; others in every process


@dataclass(frozen=True)
class CustomNetwork:
    """The network that a function makes for a depth and a width, at a resolution.

    `function` is "module:name" and `source` a digest of the code that it rests on, for an edited
    function makes other networks. `shapes` is a digest of the modules it is made of, in words, and
    of its parameters' and buffers' names and shapes: multipliers that make the same network make
    equal values. Raises UserError when the function can't be
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

    def with_name(self, name: str) -> CustomNetwork:
        """The same network under another name."""
        return replace(self, name=name)

    def deeper(self, depth: float) -> CustomNetwork:
        """The network whose multiplier of depth is `depth` times as large."""
        return self._made(f"d{depth:.2f}", self.depth * depth, self.width)

    def wider(self, width: float) -> CustomNetwork:
        """The network whose multiplier of width is `width` times as large."""
        return self._made(f"w{width:.2f}", self.depth, self.width * width)

    def finer(self, resolution: float) -> CustomNetwork:
        """The network at a side `resolution` times as large, to the nearest pixel."""
        px = round_px(self.resolution_px, resolution)
        return replace(self, name=f"{self.name} r{resolution:.2f}", resolution_px=px)

    @property
    def code(self) -> FunctionCode:
        """The code that the function rests on, as it is now."""
        return _code(self.function)

    def module(self) -> nn.Module:
        """The network with fresh weights, from torch's generator.

        Raises UserError when the code is no longer that of `source`.
        """
        rule = f"the code of {self.function} must stay as it is while a run goes on"
        digest = self.code.digest
        mend = "start the run again, with a function that makes the same network each time"
        require(digest == self.source, rule, "another", mend)
        return make_network(self.function, Multipliers(self.depth, self.width))

    def costs(self) -> tuple[int, int, int]:
        """MACs by torch's counter, parameters, and the outputs of convolutions, for one image."""
        shape = (1, self.in_channels, self.resolution_px, self.resolution_px)
        return _cost(self.function, self.source, self.depth, self.width, shape, self.num_classes)

    def _made(self, change: str, depth: float, width: float) -> CustomNetwork:
        name, shapes = f"{self.name} {change}", _shapes(self.function, self.source, depth, width)
        return replace(self, name=name, shapes=shapes, depth=depth, width=width)


def custom_network(
    function: str, *, resolution_px: int, in_channels: int, num_classes: int
) -> CustomNetwork:
    """The base network of a function "module:name"; it has been built and counted once."""
    require(resolution_px >= 1, "a network's images need at least 1 px", resolution_px)
    source, again = (_code(function).digest for _ in range(2))
    rule = f"{function} must make the same network whenever it is given the same multipliers"
    mend = "let it hang on no counter and no random number"
    require(source == again, rule, "two that differ", mend)
    shapes = _shapes(function, source, 1.0, 1.0)
    name = function.rpartition(":")[2]
    base = CustomNetwork(name, function, source, shapes, resolution_px, in_channels, num_classes)
    base.costs()
    return base


def _code(function: str) -> FunctionCode:
    """The code of a function; what it reads from elsewhere shows in the network that it builds."""
    network = _on_meta(function, 1.0, 1.0)
    code = code_of(load_function(function), network, function.partition(":")[0])
    return replace(code, digest=digest([code.digest, _structure(network)]))


def _on_meta(function: str, depth: float, width: float) -> nn.Module:
    """The network without weights, so that nothing is computed."""
    with torch.device("meta"):
        return make_network(function, Multipliers(depth, width))


# `source` is in the keys so that nothing is remembered of a function that has been edited since.
@lru_cache(maxsize=4096)
def _shapes(function: str, source: str, depth: float, width: float) -> str:
    del source
    return digest(_structure(_on_meta(function, depth, width)))


def _structure(module: nn.Module) -> list[object]:
    """What tells a network apart without its weights: shapes of tensors, modules in words."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    shapes = [[name, list(tensor.shape)] for name, tensor in tensors]
    return [shapes, [_words(name, part) for name, part in module.named_modules()]]


def _words(name: str, module: nn.Module) -> list[str]:
    """What a module says of itself: a stride, a rate, a kind of padding have no parameters."""
    kind = type(module)
    return [name, f"{kind.__module__}.{kind.__qualname__}", ADDRESS.sub("", module.extra_repr())]


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
    module = _on_meta(function, depth, width).eval()
    try:
        logits, macs, outputs = forward_costs(module, shape)
    except Exception as error:
        rule = f"{function} must take images of shape {shape}"
        raise UserError(f"{rule}, got {what_failed(error)}") from error
    rule = f"{function} must return logits of shape {(1, num_classes)}"
    kind = type(logits).__name__
    require(isinstance(logits, torch.Tensor), rule, kind, "return the logits alone")
    require(tuple(logits.shape) == (1, num_classes), rule, tuple(logits.shape))
    params = sum(parameter.numel() for parameter in module.parameters())
    return macs, params, outputs
