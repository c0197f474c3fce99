"""Scoring a network on a split, with the batch norms folded into the convolutions."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scaling_search.cost.step import DTYPES
from scaling_search.data.augment import augment
from scaling_search.data.splits import Split
from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.history import ClassCounts, Scores
from scaling_search.training.recipe import Recipe

EVALUATION_BATCH = 256
TOP = 5
# Below so many images folding takes longer than it gains.
FOLDED_FROM_IMAGES = 1024


@dataclass(frozen=True)
class SplitEvaluation:
    """How a model does on a split, over all of its images and class by class."""

    scores: Scores
    classes: ClassCounts


def score(
    model: nn.Module,
    split: Split,
    recipe: Recipe,
    device: torch.device,
    group: Group = ALONE,
) -> Scores:
    """The model's scores on a split, as `evaluate` finds them.

    Examples:
        >>> import torch
        >>> from scaling_search import DataRequest, build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.data.load import load_split
        >>> from scaling_search.training.evaluate import score
        >>> from scaling_search.training.recipe import Recipe
        >>> model = build(zoo.get("nano"))
        >>> for parameter in model.head.classifier.parameters():
        ...     _ = torch.nn.init.zeros_(parameter)  # all of the 20 classes are equally probable
        >>> images = DataRequest("typefaces", train_images=100, test_images=20)
        >>> test = load_split(images, "test", px=16)
        >>> round(score(model, test, Recipe(), torch.device("cpu")).loss, 2)  # log 20
        3.0
    """
    return evaluate_split(model, split, recipe, device, group).scores


@torch.inference_mode()
def evaluate_split(
    model: nn.Module,
    split: Split,
    recipe: Recipe,
    device: torch.device,
    group: Group = ALONE,
) -> SplitEvaluation:
    """The model's scores on a split, and of each class; the images are not augmented.

    Each process of the group scores a slice of the images, and all have the same result.
    """
    model.eval()
    scored = folded(model) if len(split) >= FOLDED_FROM_IMAGES else model
    images_of = torch.bincount(split.labels).tolist()
    sums = torch.zeros(3 + len(images_of), dtype=torch.float64, device=device)
    for images, labels in split.batches(group.slice_of_indices(len(split)), EVALUATION_BATCH):
        with autocast(device, recipe):
            logits = scored(augment(images, None, "none", split.mean, split.std))
        sums += _sums(logits.float(), labels, len(images_of))
    sums = group.sum(sums)
    right = tuple(map(int, sums[3:].tolist()))
    loss, top1, top5 = (sums[:3] / len(split)).tolist()
    return SplitEvaluation(Scores(loss, top1, top5), ClassCounts(tuple(images_of), right))


def _sums(logits: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Of a batch: the sum of its losses, how often the label is first, and among the first five.

    How often it is first of each class follows.
    """
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    best = logits.topk(min(TOP, logits.shape[1]), dim=1).indices == labels[:, None]
    first = best[:, 0].double()
    of_class = first.new_zeros(classes).index_add_(0, labels, first)
    totals = torch.stack([loss.double(), first.sum(), best.sum().double()])
    return torch.cat([totals, of_class])


def folded(model: nn.Module) -> nn.Module:
    """The model in evaluation, every batch norm that follows a convolution folded into it.

    Only inside `nn.Sequential`, where the order of modules is that of the computation. The model
    stays as it is; what is not folded is shared with it. Logits differ by rounding.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.training.evaluate import folded
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        >>> [type(module).__name__ for module in folded(model.eval())]
        ['Conv2d', 'Identity', 'SiLU']
    """
    twin = copy.copy(model)
    twin._modules = {
        name: None if child is None else folded(child) for name, child in model._modules.items()
    }
    if type(twin) is nn.Sequential:
        _fold_within(twin)
    return twin


def autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    """The recipe's precision as a context; how float32 is multiplied is `cost.arithmetic`'s."""
    dtype = DTYPES[recipe.number_format]
    half = None if dtype == torch.float32 else dtype
    return torch.autocast(device.type, dtype=half, enabled=half is not None)


def _fold_within(sequence: nn.Sequential) -> None:
    names = list(sequence._modules)
    for name, following in pairwise(names):
        first, second = sequence._modules[name], sequence._modules[following]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d | nn.SyncBatchNorm):
            sequence._modules[name] = fuse_conv_bn_eval(first, second)
            sequence._modules[following] = nn.Identity()
