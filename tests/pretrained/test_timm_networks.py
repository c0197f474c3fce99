"""timm's names: seen as timm's own evaluation sees, image by image; refused in one line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from PIL import Image

from scaling_search.core.errors import UserError
from scaling_search.latency.job import TimeBudget
from scaling_search.pretrained.evaluation import evaluate
from scaling_search.pretrained.sources import Wish, pretrained
from tests.program import call

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def timm() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("timm", reason="needs scaling-search[timm]")


def weights(timm: Any, name: str, path: Path, **changes: Any) -> Any:
    """A model of timm's at random weights, kept as a file."""
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, **changes).eval()
    torch.save(model.state_dict(), path)
    return model


# The test side is 288 px of a whole crop, 0.95 of 224 px bicubic, 0.875 of 224 px bilinear.
@pytest.mark.parametrize(
    "name", ["resnet18.a1_in1k", "mobilenetv3_small_050.lamb_in1k", "resnet10t"]
)
def test_images_are_timms_own_to_the_bit_and_so_are_logits(
    name: str, timm: Any, photographs: Path, tmp_path: Path
) -> None:
    model = weights(timm, name, tmp_path / "w.pth")
    config = timm.data.resolve_model_data_config(model, use_test_size=True)
    transform = timm.data.create_transform(**config, is_training=False)
    known = pretrained(f"{name}@timm:{tmp_path / 'w.pth'}", Wish())
    for path in sorted(photographs.glob("val/*/*")):
        with Image.open(path) as image:
            expected = transform(image.convert("RGB"))
        assert torch.equal(known.read(path), expected)
        with torch.inference_mode():
            logits = model(expected[None])
        assert torch.allclose(known.logits(expected[None]), logits, rtol=1e-4, atol=1e-5)


def test_it_stands_beside_a_network_of_ours(timm: Any, photographs: Path, tmp_path: Path) -> None:
    weights(timm, "resnet18", tmp_path / "w.pth")
    theirs, ours = f"resnet18@timm:{tmp_path / 'w.pth'}", f"resnet-18@{tmp_path / 'w.pth'}"
    short = TimeBudget(0.2, processes=1, attempts=1)
    found = evaluate([theirs, ours], photographs, Wish(px=64), times=short)
    rows = {row["network"]: row for row in found.networks.to_dict("records")}
    # The same network: counted by torch's counter and by our walk, at the same side.
    for column in ("macs", "params", "activations"):
        assert rows["resnet18"][column] == rows["resnet-18"][column]
    assert pd.isna(rows["resnet18"]["latency_ms"])
    assert rows["resnet-18"]["latency_ms"] > 0
    assert "resnet18, time: not timed: no table of stages describes it" in found.remarks


def test_a_files_classifier_says_how_many_classes(timm: Any, tmp_path: Path) -> None:
    weights(timm, "resnet10t", tmp_path / "w.pth", num_classes=7)
    known = pretrained(f"resnet10t@timm:{tmp_path / 'w.pth'}", Wish())
    assert known.network.num_classes == 7
    assert known.weights == "w.pth"


def test_predict_takes_the_name(timm: Any, photographs: Path, tmp_path: Path) -> None:
    weights(timm, "resnet10t", tmp_path / "w.safetensors.pth")
    coffee = str(photographs / "val" / "n07920052" / "coffee.png")
    address = f"resnet10t@timm:{tmp_path / 'w.safetensors.pth'}"
    status, printed, _ = call("predict", address, coffee, "--top", "2")
    assert status == 0
    assert "coffee.png" in printed


@pytest.mark.parametrize(
    ("address", "wish", "said"),
    [
        ("resnet81@timm", Wish(), r"one of its models, got 'resnet81': did you mean resnet"),
        ("resnet18.zz_in1k@timm", Wish(), r"resnet18 has in timm the weights .*a1_in1k.*'zz_in1k'"),
        ("resnet18@timm:gone.pth", Wish(), r"weights must be readable, got 'gone.pth'"),
        ("vit_tiny_patch16_224@timm:{other}", Wish(), r"must be those of timm's vit_tiny"),
        ("resnet18@timm:{other}", Wish(interpolation="x"), r"interpolation must be one of bilin"),
    ],
)
def test_a_wrong_request_is_one_line(
    address: str, wish: Wish, said: str, timm: Any, tmp_path: Path
) -> None:
    weights(timm, "resnet18", tmp_path / "other.pth")
    with pytest.raises(UserError, match=said) as refused:
        pretrained(address.format(other=tmp_path / "other.pth"), wish)
    assert "\n" not in str(refused.value)


def test_nothing_is_fetched_unasked(
    timm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="timm's own need")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    rule = r"the weights of resnet18 must lie in Hugging Face's cache, got none: --download fetches"
    with pytest.raises(UserError, match=rule):
        pretrained("resnet18@timm", Wish())


def test_without_timm_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        UserError, match=r"needs timm, got 'none': pip install 'scaling-search\[timm"
    ):
        pretrained("resnet18@timm", Wish())
