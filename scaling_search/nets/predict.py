"""What an exported network sees in images; reading its file executes nothing of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import safetensors
import torch
from torch import nn

from scaling_search.core.errors import UserError, require
from scaling_search.nets.build import build
from scaling_search.nets.model_card import KEY, Card, card_from_json

_BATCH = 64


@dataclass(frozen=True)
class Predictor:
    """A network with its card; `logits` takes normalised images (float32, B × C × px × px)."""

    card: Card
    logits: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Guess:
    """A class and how probable the network holds it to be, 0..1."""

    name: str
    probability: float


def read_predictor(path: Path) -> Predictor:
    """The network of an exported safetensors or ONNX file.

    Raises UserError for other files: those of torch may hold pickles, which can execute code.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.export import export
        >>> from scaling_search.nets.model_card import Card
        >>> from scaling_search.nets.predict import read_predictor
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> file = export(build(nano), card, Path("runs/any/network.safetensors"), "safetensors")
        >>> read_predictor(file.path).card.classes
        ('cat', 'dog')
    """
    rule = "a network to predict with must be a .safetensors or .onnx file"
    require(path.suffix in _READERS, rule, str(path), "export it to one of these")
    require(path.is_file(), "a network's file must exist", str(path))
    return _READERS[path.suffix](path)


def predict(predictor: Predictor, images: torch.Tensor, top: int = 5) -> list[list[Guess]]:
    """For each image (uint8, N × C × px × px) the `top` likeliest classes, the likeliest first.

    Examples:
        >>> import torch
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.model_card import Card
        >>> from scaling_search.nets.predict import Predictor, predict
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> predictor = Predictor(card, logits=lambda images: torch.tensor([[0.0, 100.0]]))
        >>> predict(predictor, torch.zeros(1, 1, 16, 16, dtype=torch.uint8), top=1)
        [[Guess(name='dog', probability=1.0)]]
    """
    require(top >= 1, "top must be at least 1", top)
    guesses = []
    for batch in torch.split(images, _BATCH):
        probabilities = predictor.logits(normalised(predictor.card, batch)).softmax(1)
        best = probabilities.topk(min(top, probabilities.shape[1]))
        for values, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            names = [predictor.card.classes[index] for index in indices]
            guesses.append([Guess(*pair) for pair in zip(names, values, strict=True)])
    return guesses


def normalised(card: Card, images: torch.Tensor) -> torch.Tensor:
    """uint8 B × C × px × px as the network expects it, float32.

    Examples:
        >>> import torch
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.model_card import Card
        >>> from scaling_search.nets.predict import normalised
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> white = torch.full((1, 1, 1, 1), 255, dtype=torch.uint8)
        >>> round(normalised(card, white).item(), 3)
        2.0
    """
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (card.mean, card.std))
    return (images.float() / 255 - mean) / std


def module_predictor(module: nn.Module, card: Card) -> Predictor:
    """A module that is at hand.

    Examples:
        >>> import torch
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.model_card import Card
        >>> from scaling_search.nets.predict import module_predictor
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> module_predictor(build(nano), card).logits(torch.zeros(3, 1, 16, 16)).shape
        torch.Size([3, 2])
    """
    quiet = module.eval()

    @torch.inference_mode()
    def logits(images: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = quiet(images)
        return output

    return Predictor(card, logits)


def read_module(path: Path) -> tuple[nn.Module, Card]:
    """The module and card of an exported safetensors file; raises UserError for any other.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.export import export
        >>> from scaling_search.nets.model_card import Card
        >>> from scaling_search.nets.predict import read_module
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> file = export(build(nano), card, Path("runs/any/network.safetensors"), "safetensors")
        >>> module, found = read_module(file.path)
        >>> found.classes, found.architecture == nano
        (('cat', 'dog'), True)
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise UserError(f"{str(path)!r} must be a safetensors file, got {error}") from None
    card = _card(metadata, path)
    module = build(card.architecture)
    try:
        module.load_state_dict(state)
    except RuntimeError:
        raise UserError(
            f"the tensors of {str(path)!r} must be those of its architecture, got others: "
            "export it again"
        ) from None
    return module.eval(), card


def card_of(path: Path) -> Card | None:
    """The card of a safetensors file; None where it has none, or is another kind of file.

    Raises UserError for a damaged card.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except safetensors.SafetensorError:
        return None
    return _card(metadata, path) if KEY in metadata else None


def safetensors_predictor(path: Path) -> Predictor:
    """The network of an exported safetensors file."""
    return module_predictor(*read_module(path))


def onnx_predictor(path: Path) -> Predictor:
    """The network of an exported ONNX file, run by onnxruntime on the CPU."""
    is_installed = find_spec("onnxruntime") is not None
    require(
        is_installed, "an ONNX file needs onnxruntime", "none", "install scaling-search[export]"
    )
    onnxruntime = importlib.import_module("onnxruntime")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 (onnxruntime's own errors share no better base)
        raise UserError(
            f"{str(path)!r} must be an ONNX file, got {str(error).splitlines()[0]}"
        ) from None
    card = _card(session.get_modelmeta().custom_metadata_map, path)

    def logits(images: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])

    return Predictor(card, logits)


_READERS: dict[str, Callable[[Path], Predictor]] = {
    ".safetensors": safetensors_predictor,
    ".onnx": onnx_predictor,
}


def _card(metadata: dict[str, str], path: Path) -> Card:
    if KEY not in metadata:
        raise UserError(f"{str(path)!r} must hold the card of an export, got none: export it again")
    return card_from_json(metadata[KEY], str(path))
