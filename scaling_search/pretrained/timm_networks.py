"""Networks of timm by its names, where it is installed: its module, its weights, its preprocessing.

Weights lie in Hugging Face's cache, or torch hub's where timm names an address alone. How a network
sees images is its `pretrained_cfg`, at the side of timm's own evaluation (`test_input_size`).
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import importlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from scaling_search.arch.spec import Stage
from scaling_search.core.errors import UserError, require
from scaling_search.core.hashing import digest
from scaling_search.cost.counters import forward_costs
from scaling_search.nets.fitting import state_digest
from scaling_search.nets.weights import read_weights
from scaling_search.pretrained.hub import TextReport, cached_file
from scaling_search.pretrained.preprocessing import INTERPOLATIONS, Preprocessing

TIMM = "timm"
HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class TimmNetwork:
    """What is to be known of a network of timm's: it counts itself, by torch's counter."""

    name: str
    resolution_px: int
    in_channels: int
    num_classes: int
    counted: tuple[int, int, int]

    stages: ClassVar[tuple[Stage, ...]] = ()
    total_stride: ClassVar[int] = 1

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for it in files."""
        return digest([TIMM, self.name, self.resolution_px, self.in_channels, self.num_classes])

    def with_name(self, name: str) -> TimmNetwork:
        """The same network under another name."""
        return replace(self, name=name)

    def costs(self) -> tuple[int, int, int]:
        """MACs, parameters, and the outputs of convolutions, for one image."""
        return self.counted


@dataclass(frozen=True, eq=False)
class TimmWeights:
    """A module of timm's with its weights, how it sees, and which weights they are."""

    module: nn.Module
    network: TimmNetwork
    seen: Preprocessing
    weights: str
    content: str


def timm_weights(
    name: str,
    file: Path | None,
    *,
    download: bool,
    report: TextReport,
    px: int | None = None,
    crop_share: float | None = None,
    interpolation: str | None = None,
) -> TimmWeights:
    """The network of a name, with timm's weights or a file's.

    Raises UserError without timm, for an unknown name, weights that are absent or another
    network's, and a preprocessing that is not a resized square's middle.
    """
    timm = _timm()
    config = _config(timm, name)
    path = file or _published(config, name, download, report)
    state = read_weights(path)
    module = _module(timm, name, config, state, path)
    seen = _preprocessing(module, name).at(px, crop_share, interpolation)
    if config is not None and config.fixed_input_size and px not in (None, seen.crop_px):
        raise UserError(f"{name} takes images of one side alone, got {px} px: leave --px out")
    network = _network(module, name, seen.crop_px)
    content = hashlib.sha256(f"{state_digest(module.state_dict())} {seen}".encode())
    words = TIMM if file is None else file.name
    return TimmWeights(module, network, seen, words, content.hexdigest()[:16])


def _timm() -> Any:
    there = find_spec("timm") is not None
    require(there, "a name of timm's needs timm", "none", "pip install 'scaling-search[timm]'")
    return importlib.import_module("timm")


def _config(timm: Any, name: str) -> Any:
    """timm's `pretrained_cfg` of a name; raises UserError with what comes near an unknown one."""
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), 1)
        hint = f"did you mean {near[0]}?" if near else "timm.list_models() lists them"
        raise UserError(f"a name of timm's is one of its models, got {name!r}: {hint}")
    tags = timm.list_models(f"{architecture}.*", pretrained=True)
    weights = ", ".join(each.partition(".")[2] for each in tags if "." in each) or "none"
    rule = f"{architecture} has in timm the weights {weights}"
    require(not tag or name in tags, rule, tag)
    return timm.get_pretrained_cfg(name)


def _published(config: Any, name: str, download: bool, report: TextReport) -> Path:
    """Where timm's weights lie, fetched if that is asked for; raises UserError where they don't."""
    if config is None or not (config.hf_hub_id or config.url):
        raise UserError(
            f"timm publishes no weights of {name}, got no file either: name one, {name}@timm:FILE"
        )
    if not config.hf_hub_id:
        return cached_file(config.url, name, download, report)
    hub = importlib.import_module("huggingface_hub")
    cached = hub.try_to_load_from_cache(config.hf_hub_id, HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    if not download:
        raise UserError(
            f"the weights of {name} must lie in Hugging Face's cache, got none: --download fetches "
            f"them from {config.hf_hub_id}"
        )
    report(f"fetching the weights of {name} from {config.hf_hub_id}")
    try:
        return Path(hub.hf_hub_download(config.hf_hub_id, HUB_FILE))
    except Exception as error:
        reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
        raise UserError(
            f"the weights of {name} must be downloaded, got {reason}: try again, or fetch "
            f"{config.hf_hub_id} elsewhere and name its file, {name}@timm:FILE"
        ) from error


def _module(timm: Any, name: str, config: Any, state: dict[str, torch.Tensor], path: Path) -> Any:
    """The module with these tensors; their classifier says how many classes."""
    head = f"{config.classifier}.weight" if config and isinstance(config.classifier, str) else ""
    classes = {"num_classes": len(state[head])} if head in state else {}
    try:
        module = timm.create_model(name, pretrained=False, **classes)
        module.load_state_dict(state)
    except RuntimeError:
        raise UserError(
            f"the tensors of {str(path)!r} must be those of timm's {name}, got others"
        ) from None
    return module.eval()


def _preprocessing(module: nn.Module, name: str) -> Preprocessing:
    """Of timm's evaluation: the side over the crop's share, rounded down, and its middle."""
    data = importlib.import_module("timm.data")
    config = data.resolve_model_data_config(module, use_test_size=True)
    channels, high, wide = config["input_size"]
    method = next((each for each in INTERPOLATIONS if each == config["interpolation"]), None)
    plain = channels == 3 and high == wide and config["crop_mode"] == "center"
    if method is None or not plain:
        raise UserError(
            f"what sees the middle of a resized colour image can be evaluated, got {name}: "
            f"{channels} × {high} × {wide}, {config['crop_mode']}, {config['interpolation']}"
        )
    resized = math.floor(high / config["crop_pct"])
    return Preprocessing(resized, high, method, tuple(config["mean"]), tuple(config["std"]))


def _network(module: nn.Module, name: str, px: int) -> TimmNetwork:
    shadow = copy.deepcopy(module).to("meta").eval()
    logits, macs, outputs = forward_costs(shadow, (1, 3, px, px))
    params = sum(parameter.numel() for parameter in module.parameters())
    return TimmNetwork(name, px, 3, int(logits.shape[1]), (macs, params, outputs))
