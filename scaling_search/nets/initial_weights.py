"""The weights that a training begins with, as a frozen value: a file and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.nets.build import build
from scaling_search.nets.fitting import state_digest, tensors_by_our_names
from scaling_search.nets.transfer import Transfer, transfer
from scaling_search.nets.weights import read_weights


@dataclass(frozen=True)
class InitialWeights:
    """The tensors of the file at `path`, whose content is `content` (16 hex digits).

    `source` is the network that they were saved from. `mean` and `std` (a value a channel of the
    images that are trained on, in units of 0..1) are how it saw images; None: the images' own.
    Where the file lies and what it is called are not part of what it is.
    """

    path: str = field(compare=False)
    content: str
    source: Architecture
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    name: str = field(default="", compare=False)

    def begin(self, model: nn.Module) -> Transfer:
        """Copy into the module of a table what fits, and say what became of each tensor.

        Raises UserError when the file is missing, or has been changed.
        """
        path = Path(self.path)
        rule = "the weights that trainings begin with must still lie in their file"
        require(path.is_file(), rule, self.path, "put them back, the same on every machine")
        state = read_weights(path)
        rule = f"{self.path} must hold the weights {self.content} as when the run began"
        require(state_digest(state) == self.content, rule, state_digest(state), "put them back")
        return transfer(model, tensors_by_our_names(self.source, state)[1])

    def fit_of(self, network: Architecture) -> Transfer:
        """What becomes of each tensor of this network; no file is read."""
        with torch.device("meta"):
            return transfer(build(network), build(self.source).state_dict())
