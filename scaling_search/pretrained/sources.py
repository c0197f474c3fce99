"""From what a user names to a network with its weights: a zoo's name, a file, a run's network.

An address is `NAME`, with the weights of `--weights`, or `NAME@WEIGHTS`; the weights are
`torchvision`, `torchvision:IMAGENET1K_V2`, `lite`, a file (safetensors, or torch's read with
weights_only), a run directory, or for timm's names `timm` and `timm:FILE`. An exported file
(….safetensors, .onnx) names itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.core.errors import UserError, require
from scaling_search.data.decode import decode
from scaling_search.experiment.trained_weights import trained_network
from scaling_search.nets.fitting import fit, state_digest
from scaling_search.nets.model_card import Card
from scaling_search.nets.predict import Predictor, normalised, read_module, read_predictor
from scaling_search.nets.weights import lite_checkpoint, read_weights
from scaling_search.pretrained.classes import IMAGENET_CLASSES, imagenet_names
from scaling_search.pretrained.hub import torchvision_file
from scaling_search.pretrained.initial import LITE, TORCHVISION
from scaling_search.pretrained.preprocessing import (
    Channels,
    Preprocessing,
    PublishedWeights,
    row_of,
)
from scaling_search.pretrained.timm_networks import TIMM, timm_weights

ENDINGS = (".safetensors", ".onnx")
Logits = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Wish:
    """How networks are to be found and to see: an option of the command line each.

    `px`, `crop_share` and `interpolation` None: as the weights' own row of the table says.
    """

    weights: str | None = None
    download: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    px: int | None = None
    crop_share: float | None = None
    interpolation: str | None = None
    seed: int | None = None
    report: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network with its weights and what it needs to see a file.

    `network` is at the side that is evaluated, a table of stages but for timm's; `read` gives
    float32 C × px × px of a file, `logits` takes batches of them; `classes` are its own names
    (None: places alone, and of 1 000 ImageNet's); `content` stands for weights and preprocessing,
    `reading` says the latter in words; `published_top1` is what its source claims on ImageNet, in
    percent. `module` and `seen` are what `logits` and `read` rest on, where they are at hand.
    """

    name: str
    weights: str
    network: Network
    logits: Logits
    read: Callable[[Path], torch.Tensor]
    reading: str
    classes: tuple[str, ...] | None
    content: str
    published_top1: float | None = None
    module: nn.Module | None = None
    seen: Preprocessing | None = None


def pretrained(address: str, wish: Wish) -> Pretrained:
    """The network of an address; raises UserError, saying what there is, for one that isn't."""
    name, _, after_at = address.partition("@")
    if name.endswith(ENDINGS):
        return _exported(Path(name), wish)
    weights = after_at or wish.weights or (LITE if "-lite" in name else None)
    if weights is None:
        raise UserError(
            f"a network is evaluated with weights, got {name!r} without: "
            f"name it {name}@{TORCHVISION}, @{TIMM}, @FILE or @RUN, or give --weights"
        )
    source, _, which = weights.partition(":")
    if source == TORCHVISION:
        return _published(row_of(zoo.get(name).name, which or None), wish)
    if source == TIMM:
        return _timms(name, Path(which) if which else None, wish)
    if weights == LITE:
        return _published(row_of(zoo.get(name).name, "LITE"), wish)
    path = Path(weights)
    if path.is_dir():
        module, card = trained_network(path, name, wish.seed)
        return _of_module(f"{path.name} {name}", str(path), module, card, wish)
    rule = f"weights must be {TORCHVISION}, {LITE}, {TIMM}, a file or a run directory"
    require(path.is_file(), rule, weights, "nothing lies there")
    return _of_file(name, path, wish)


def _published(row: PublishedWeights, wish: Wish) -> Pretrained:
    if row.source == TORCHVISION:
        path = torchvision_file(row, download=wish.download, report=wish.report)
    else:
        path = lite_checkpoint(int(row.network[-1]))
    words = f"{row.source} {row.weights}" if row.source == TORCHVISION else LITE
    seen = row.preprocessing.at(wish.px, wish.crop_share, wish.interpolation)
    claimed = row.top1 if seen == row.preprocessing else None
    return _of_state(row.network, words, read_weights(path), seen, wish, claimed)


def _timms(name: str, file: Path | None, wish: Wish) -> Pretrained:
    weights = timm_weights(
        name,
        file,
        download=wish.download,
        report=wish.report,
        px=wish.px,
        crop_share=wish.crop_share,
        interpolation=wish.interpolation,
    )
    seen, logits = weights.seen, logits_on(weights.module, wish.device)
    return Pretrained(
        name, weights.weights, weights.network, logits, seen.read, seen.words, None, weights.content
    )


def _of_file(name: str, path: Path, wish: Wish) -> Pretrained:
    """Tensors of a network of the zoo, seen as its first published weights are."""
    seen = row_of(zoo.get(name).name).preprocessing.at(wish.px, wish.crop_share, wish.interpolation)
    return _of_state(name, path.name, read_weights(path), seen, wish, None)


def _of_state(
    name: str,
    words: str,
    state: dict[str, torch.Tensor],
    seen: Preprocessing,
    wish: Wish,
    claimed: float | None,
) -> Pretrained:
    module, network = fit(zoo.get(name), state)
    at = network.fitted(resolution_px=seen.crop_px)
    content = hashlib.sha256(f"{state_digest(state)} {seen}".encode()).hexdigest()[:16]
    logits = logits_on(module, wish.device)
    return Pretrained(
        name, words, at, logits, seen.read, seen.words, None, content, claimed, module, seen
    )


def _exported(path: Path, wish: Wish) -> Pretrained:
    require(path.is_file(), "an exported network's file must exist", str(path))
    if path.suffix == ".safetensors":
        module, card = read_module(path)
        return _of_module(path.stem, path.name, module, card, wish)
    predictor = read_predictor(path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return _of_card(path.stem, path.name, predictor, content, wish)


def _of_module(name: str, words: str, module: nn.Module, card: Card, wish: Wish) -> Pretrained:
    content = hashlib.sha256(f"{state_digest(module.state_dict())} {card}".encode())
    predictor = Predictor(card, logits_on(module, wish.device))
    return _of_card(name, words, predictor, content.hexdigest()[:16], wish)


def _of_card(name: str, words: str, predictor: Predictor, content: str, wish: Wish) -> Pretrained:
    """A network of ours sees as it was trained: the shorter side resized, the middle cut out."""
    overrides = (wish.px, wish.crop_share, wish.interpolation)
    rule = "a network of a run or of an exported file sees as it was trained"
    require(
        overrides == (None,) * 3,
        rule,
        overrides,
        "leave --px, --crop-share and --interpolation out",
    )
    card = predictor.card
    network = card.architecture
    px, channels = network.resolution_px, network.in_channels

    if card.resize_px is not None:
        sides = (card.resize_px, px, card.interpolation)
        seen = Preprocessing(*sides, _three(card.mean), _three(card.std))
        logits = predictor.logits
        return Pretrained(
            name, words, network, logits, seen.read, seen.words, _own_classes(card), content
        )

    def image(path: Path) -> torch.Tensor:
        pixels = torch.from_numpy(decode(path, px, channels, card.pixel_rules))
        return normalised(card, pixels[None])[0]

    reading = f"{px} px, bilinear, the middle {px} px"
    return Pretrained(name, words, network, predictor.logits, image, reading, card.classes, content)


def _own_classes(card: Card) -> tuple[str, ...] | None:
    """The card's classes; None where they are all of ImageNet's, which also go by wnid."""
    is_imagenet = len(card.classes) == IMAGENET_CLASSES and card.classes == imagenet_names()
    return None if is_imagenet else card.classes


def _three(values: tuple[float, ...]) -> Channels:
    red, green, blue = values
    return red, green, blue


def logits_on(module: nn.Module, device: torch.device) -> Logits:
    """What a module in evaluation makes of batches, which may lie elsewhere; back on the CPU."""
    quiet = module.eval().to(device)

    @torch.inference_mode()
    def logits(images: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = quiet(images.to(device, non_blocking=True))
        return values.float().cpu()

    return logits
