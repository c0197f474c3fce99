"""Networks as files that others can use, each checked against the module before it is kept.

A file is written beside its place, read back, run, compared and only then put there.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, assert_never, cast, get_args

import safetensors.torch
import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError, require
from scaling_search.nets.model_card import KEY, Card
from scaling_search.nets.modules import LayerNorm
from scaling_search.nets.predict import onnx_predictor, safetensors_predictor

Format = Literal["safetensors", "onnx", "torch-export"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {
    "safetensors": ".safetensors",
    "onnx": ".onnx",
    "torch-export": ".pt2",
}
TOLERANCE = 1e-4
CHECKED_IMAGES = 3


@dataclass(frozen=True)
class ExportedNetwork:
    """A file that was written, and how far its logits lie from the module's at most."""

    path: Path
    format: Format
    bytes: int
    largest_difference: float


def export(module: nn.Module, card: Card, path: Path, format: Format) -> ExportedNetwork:
    """Write the module, the `build` of the card's architecture, with its card inside.

    The batch may have any size in all formats, the side is the architecture's. Raises UserError
    when the format is unknown, its libraries are missing, the module is of another architecture,
    or the file's logits differ by more than 1e-4 (of the largest logit, where that exceeds 1).

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.export import export
        >>> from scaling_search.nets.model_card import Card
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> file = export(build(nano), card, Path("runs/any/network.safetensors"), "safetensors")
        >>> file.largest_difference < 1e-4, file.path.name
        (True, 'network.safetensors')
    """
    require(format in FORMATS, f"format must be one of {', '.join(FORMATS)}", format)
    quiet = copy.deepcopy(module).cpu().eval().to(memory_format=torch.contiguous_format)
    card = replace(card, architecture=_with_own_epsilon(quiet, card.architecture))
    images = _images(card.architecture)
    with torch.inference_mode():
        expected: torch.Tensor = quiet(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        beside = Path(folder) / f"network{SUFFIXES[format]}"
        difference = (
            (_written_and_read(quiet, card, beside, format)(images) - expected).abs().max().item()
        )
        allowed = TOLERANCE * max(1.0, expected.abs().max().item())
        rule = f"the exported logits must lie within {allowed:.1e} of the network's"
        require(difference <= allowed, rule, difference, "choose another format")
        size = beside.stat().st_size
        beside.replace(path)
    return ExportedNetwork(path, format, size, difference)


def _written_and_read(
    module: nn.Module, card: Card, path: Path, format: Format
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Write the file and read it back as a function from normalised images to logits."""
    match format:
        case "safetensors":
            state = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
            path.write_bytes(safetensors.torch.save(state, {KEY: card.to_json()}))
            return safetensors_predictor(path).logits
        case "onnx":
            _write_onnx(module, card, path)
            return onnx_predictor(path).logits
        case "torch-export":
            return _write_torch_export(module, card, path)
        case _:
            assert_never(format)


def _write_onnx(module: nn.Module, card: Card, path: Path) -> None:
    for library in ("onnx", "onnxscript", "onnxruntime"):
        is_installed = find_spec(library) is not None
        require(is_installed, f"ONNX needs {library}", "none", "install scaling-search[export]")
    exported = torch.onnx.export(
        module,
        (_images(card.architecture),),
        dynamo=True,
        verbose=False,
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    program = cast(torch.onnx.ONNXProgram, exported)  # None only without dynamo
    program.model.metadata_props[KEY] = card.to_json()
    program.save(path, external_data=False)


def _write_torch_export(
    module: nn.Module, card: Card, path: Path
) -> Callable[[torch.Tensor], torch.Tensor]:
    shapes = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        program = torch.export.export(module, (_images(card.architecture),), dynamic_shapes=shapes)
    torch.export.save(program, path, extra_files={KEY: card.to_json()})
    files = {KEY: ""}
    read_back = torch.export.load(path, extra_files=files).module()
    require(files[KEY] == card.to_json(), "an exported file must hold its card", files[KEY])
    with torch.inference_mode():
        return lambda images: read_back(images)


def _images(architecture: Architecture) -> torch.Tensor:
    """Noise that is the same each time: normalised images of any content."""
    generator = torch.Generator().manual_seed(0)
    side_px = architecture.resolution_px
    return torch.randn(
        CHECKED_IMAGES, architecture.in_channels, side_px, side_px, generator=generator
    )


def _with_own_epsilon(module: nn.Module, architecture: Architecture) -> Architecture:
    """The architecture with the epsilon of the module's norms: foreign weights bring their own."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d | LayerNorm)]
    epsilons = {norm.eps for norm in norms}
    if len(epsilons) > 1:
        raise UserError(f"all norms of a network share one epsilon, got {sorted(epsilons)}")
    return replace(architecture, norm_eps=epsilons.pop()) if epsilons else architecture
