"""The weights that a study's networks begin with: asked for by a name or a file, then found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import ClassVar

import torch

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError, require
from scaling_search.nets.fitting import state_digest, tensors_by_our_names
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.nets.predict import card_of
from scaling_search.nets.transfer import CLASSIFIER, FIRST_LAYER
from scaling_search.nets.weights import lite_checkpoint, read_weights, torchvision_eps
from scaling_search.pretrained.hub import torchvision_file
from scaling_search.pretrained.preprocessing import PublishedWeights, published_weights, row_of

TORCHVISION, LITE = "torchvision", "lite"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Init:
    """What the networks of a study begin with.

    `weights` is "torchvision" (or one set of its, "torchvision:IMAGENET1K_V2"), "lite", or a file:
    safetensors, or torch's read with weights_only. `download` fetches torchvision's where they are
    missing. `source` is the network that they were saved from (None: the study's base).

    Examples:
        >>> from scaling_search import Init, Study
        >>> study = Study("mine", base="efficientnet-b0", init=Init("torchvision"))
        >>> study.init.is_file, Init("b0.safetensors").is_file
        (False, True)
    """

    weights: str
    download: bool = False
    source: Architecture | None = None

    # pydantic reads this when it comes from a file: a misspelt key must not pass.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError without weights."""
        rule = f"weights must be {TORCHVISION}, {LITE} or a file"
        require(bool(self.weights), rule, self.weights, "leave init out to begin at random")

    @property
    def is_file(self) -> bool:
        """Whether the weights are a file of the user's."""
        return self.weights.partition(":")[0] not in (TORCHVISION, LITE)


def initial_weights(
    init: Init, base: Architecture, report: Report = lambda _: None
) -> InitialWeights:
    """The weights that are asked for, with what is needed to read them and to see as they do.

    `base` is made for the images that are trained on. Raises UserError where there are none, or
    they are of another network than they are said to be.
    """
    weights = _file(init, base) if init.is_file else _published(init, init.source or base, report)
    state = read_weights(weights.path)
    statistics = (weights.mean, weights.std)
    mean, std = (values and _of_channels(values, base.in_channels) for values in statistics)
    source = _as_saved(weights.network, state)
    initial = InitialWeights(
        str(weights.path), state_digest(state), source, mean, std, weights.name
    )
    _require_kin(initial, base)
    return initial


@dataclass(frozen=True)
class _Found:
    """A file of weights, what it is called, the network it is of, and how that sees images."""

    path: Path
    name: str
    network: Architecture
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def _published(init: Init, network: Architecture, report: Report) -> _Found:
    which = init.weights.partition(":")[2] or None
    named = "LITE" if init.weights == LITE else which
    alike = _like_published(network)
    row = row_of(network.name if alike is None else alike.network, named)
    if row.source == TORCHVISION:
        path = torchvision_file(row, download=init.download, report=report)
    else:
        path = lite_checkpoint(int(row.network[-1]))
    seen = row.preprocessing
    whose = "the Lite weights" if row.source == LITE else f"{row.source}'s {row.weights}"
    name = f"{whose} of {row.network}"
    return _Found(path, name, zoo.get(row.network), seen.mean, seen.std)


def _file(init: Init, base: Architecture) -> _Found:
    path = Path(init.weights).expanduser()
    rule = f"weights must be {TORCHVISION}, {LITE} or a file"
    if path.is_dir():
        way_out = f"write a network of a run as a file: scaling-search export {path} base"
        raise UserError(f"{rule}, got {init.weights!r}, a folder: {way_out}")
    require(path.is_file(), rule, init.weights, "nothing lies there")
    hint = "export it as safetensors"
    require(path.suffix != ".onnx", "weights must be plain tensors", path.name, hint)
    card, network = card_of(path), init.source or base
    if card is not None:
        return _Found(path, path.name, card.architecture, card.mean, card.std)
    row = _like_published(network)
    if row is None:
        return _Found(path, path.name, network, None, None)
    return _Found(path, path.name, network, row.preprocessing.mean, row.preprocessing.std)


def _like_published(network: Architecture) -> PublishedWeights | None:
    """The first published weights of a network with the same tensors, wherever strides lie."""
    tensors = _tensors(network)
    return next(
        (row for row in published_weights() if _tensors(zoo.get(row.network)) == tensors), None
    )


def _tensors(network: Architecture) -> Architecture:
    """What the tensors before the classifier follow from."""
    stages = tuple(replace(stage, stride=1, fixed_repeats=False) for stage in network.stages)
    return replace(
        network,
        stages=stages,
        stem_stride=1,
        resolution_px=1,
        in_channels=1,
        num_classes=1,
        norm_eps=1.0,
        norm_momentum=1.0,
        dropout=0.0,
        channel_divisor=1,
        repeats_rounding="up",
        fixed_stem_and_head=False,
    )


def _require_kin(initial: InitialWeights, base: Architecture) -> None:
    """Raise UserError for weights of another family that hardly fit the base."""
    if _family(initial.source) == _family(base):
        return
    fit = initial.fit_of(base)
    tensors = len(fit.whole) + len(fit.part) + len(fit.fresh)
    rule = f"{base.name} must be able to take half of its {tensors} tensors from {initial.name}"
    hint = f"name the network that they are of, {initial.source.name}"
    require(2 * len(fit.whole) >= tensors, rule, len(fit.whole), hint)


def _family(network: Architecture) -> Architecture:
    """What a network shares with those that are grown from it."""
    tensors, ends = _tensors(network), min(network.head_channels, 1)
    stages = tuple(replace(stage, channels=1, repeats=1) for stage in tensors.stages)
    return replace(tensors, stages=stages, stem_channels=1, head_channels=ends)


def _as_saved(network: Architecture, state: dict[str, torch.Tensor]) -> Architecture:
    """The network with the classes, channels and epsilon of the weights."""
    kind, named = tensors_by_our_names(network, state)
    classifier, stem = named.get(f"{CLASSIFIER}weight"), named.get(FIRST_LAYER)
    fitted = network.fitted(
        num_classes=None if classifier is None else len(classifier),
        in_channels=None if stem is None else stem.shape[1],
    )
    if kind == "torchvision" and network.norm == "batch":
        return replace(fitted, norm_eps=torchvision_eps(named))
    return fitted


def _of_channels(values: Sequence[float], channels: int) -> tuple[float, ...]:
    """As many values as the images have channels; of others, each is their mean."""
    return tuple(values) if len(values) == channels else (fmean(values),) * channels
