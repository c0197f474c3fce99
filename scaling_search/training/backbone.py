"""All of a network before its classifier: trained at a rate of its own, or left as it is."""

from __future__ import annotations

from torch import nn

from scaling_search.core.errors import require
from scaling_search.nets.transfer import CLASSIFIER
from scaling_search.training.recipe import Recipe

_TRAINED = ("head.dropout", CLASSIFIER.removesuffix("."))


def split_off(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters of the backbone, and those of the classifier.

    Raises UserError for a network whose classifier is not known: one that no table describes.
    """
    named = list(model.named_parameters())
    classifier = [p for name, p in named if name.startswith(CLASSIFIER)]
    rule = "a backbone_rate other than 1 needs a network that a table describes"
    require(bool(classifier), rule, type(model).__name__)
    return [p for name, p in named if not name.startswith(CLASSIFIER)], classifier


def freeze(model: nn.Module) -> None:
    """Let no step change the backbone's parameters."""
    for parameter in split_off(model)[0]:
        parameter.requires_grad_(False)


def enter_training(model: nn.Module, recipe: Recipe) -> None:
    """Put the model into training; a frozen backbone computes as it does in evaluation.

    Its batch norms keep their statistics, and no block is skipped at random.
    """
    model.train()
    if recipe.backbone_rate == 0:
        for name, module in model.named_modules():
            module.training = not name or name in _TRAINED
