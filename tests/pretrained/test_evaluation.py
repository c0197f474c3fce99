"""Evaluated as torchvision evaluates its own, image by image; and the Lites on photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import safetensors.torch
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.nn import functional
from torchvision.models import get_model_weights

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.data.load import load_split
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.pipeline import run
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished
from scaling_search.nets.build import build
from scaling_search.nets.export import export
from scaling_search.nets.model_card import Card
from scaling_search.nets.weights import lite_checkpoint
from scaling_search.pretrained.classes import wnids
from scaling_search.pretrained.evaluation import Evaluation, evaluate
from scaling_search.pretrained.preprocessing import PublishedWeights, row_of
from scaling_search.pretrained.shown import (
    architecture_family,
    evaluation_values,
    weights_picture,
    write_evaluation,
)
from scaling_search.pretrained.sources import Wish
from tests.tiny import TINY

FAST = ("efficientnet-b0", "mobilenet-v2", "resnet-18", "regnety-400mf", "convnext-tiny")
DEEP = ("efficientnet-b3", "resnet-50")


def has_lites() -> bool:
    try:
        lite_checkpoint(0)
    except UserError:
        return False
    return True


needs_lites = pytest.mark.skipif(not has_lites(), reason="needs scaling-search[lite-weights]")


def preset_images(row: PublishedWeights, root: Path) -> list[torch.Tensor]:
    """The photographs by torchvision's own preset."""
    preset, images = get_model_weights(row.model)[row.weights].transforms(), []
    for path in sorted(root.glob("val/*/*")):
        with Image.open(path) as image:
            images.append(preset(image.convert("RGB")))
    return images


def torchvisions(row: PublishedWeights, images: list[torch.Tensor]) -> nn.Module:
    """torchvision's network at random weights, its batch norms at the images' statistics.

    At others a deep one would blow up rounding.
    """
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.get_model(row.model, weights=None)
    for key, parameter in model.named_parameters():
        if key.endswith("layer_scale"):
            nn.init.normal_(parameter, 0, 0.5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # one pass gives the statistics of its batch
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    with torch.no_grad():
        model.train()(torch.stack(images))
    return model.eval()


@torch.inference_mode()
def reference(model: nn.Module, images: list[torch.Tensor], root: Path) -> pd.DataFrame:
    """What torchvision's own model makes of each of its own preset's images."""
    rows = []
    for path, image in zip(sorted(root.glob("val/*/*")), images, strict=True):
        logits = model(image[None])[0]
        target = wnids().index(path.parent.name)
        five = logits.topk(5).indices.tolist()
        loss = functional.cross_entropy(logits, torch.tensor(target)).item()
        rows.append((f"{path.parent.name}/{path.name}", target, five[0], target in five, loss))
    return pd.DataFrame(rows, columns=["image", "target", "predicted", "top5", "loss"])


@pytest.mark.parametrize(
    "network", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in DEEP)]
)
def test_each_image_is_seen_as_torchvisions_own_evaluation_sees_it(
    network: str, photographs: Path, tmp_path: Path
) -> None:
    images = preset_images(row_of(network), photographs)
    model = torchvisions(row_of(network), images)
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    expected = reference(model, images, photographs)
    evaluate([f"{network}@{tmp_path / 'theirs.pth'}"], photographs, Wish(), out=tmp_path, batch=2)
    (kept,) = (tmp_path / "predictions").glob("*.csv")
    found = pd.read_csv(kept)
    assert found["image"].tolist() == expected["image"].tolist()
    for column in ("target", "predicted", "top5"):
        assert found[column].tolist() == expected[column].astype(int).tolist()
    assert found["loss"].tolist() == pytest.approx(expected["loss"].tolist(), rel=1e-3)
    # Agreement says little where a network sees the same everywhere.
    assert expected["loss"].std() > 0.05


@needs_lites
def test_the_lites_see_what_is_in_the_photographs(photographs: Path, tmp_path: Path) -> None:
    names = ["efficientnet-lite1", "efficientnet-lite0"]
    found = evaluate(names, photographs, Wish(), out=tmp_path)
    assert found.networks["network"].tolist() == names[::-1]  # by rising MACs
    assert (found.networks["top5_percent"] >= 60).all()
    assert found.networks["macs"].tolist() == [count(zoo.get(name)).macs for name in names[::-1]]
    (pair,) = found.differences.to_dict("records")
    assert (pair["left"], pair["right"], pair["n"]) == (*names[::-1], 5)
    lite0 = pd.read_csv(next((tmp_path / "predictions").glob("efficientnet-lite0-*.csv")))
    seen = dict(zip(lite0["image"], lite0["predicted"], strict=True))
    assert seen["n07920052/coffee.png"] == 967
    assert seen["n02124075/cat.png"] in (281, 282, 285)


@needs_lites
def test_what_was_computed_is_not_computed_again(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(["efficientnet-lite0"], photographs, Wish(), out=tmp_path)
    monkeypatch.setattr("scaling_search.pretrained.predictions.predictions", None)
    again = evaluate(["efficientnet-lite0"], photographs, Wish(), out=tmp_path)
    pd.testing.assert_frame_equal(first.networks, again.networks)
    with pytest.raises(TypeError):  # at another side it would be
        evaluate(["efficientnet-lite0"], photographs, Wish(px=96), out=tmp_path)


@needs_lites
def test_all_is_written_and_redrawn_to_the_byte(photographs: Path, tmp_path: Path) -> None:
    found = evaluate(["efficientnet-lite0"], photographs, Wish(px=64))
    write_evaluation(found, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"networks.csv", "networks.md", "differences.csv", "evaluation.json"} < names
    assert {"accuracy_macs.png", "accuracy_macs.svg"} < names
    assert weights_picture(found).svg == (tmp_path / "accuracy_macs.svg").read_bytes()
    networks = evaluation_values(found)["networks"]
    assert isinstance(networks, list)
    assert networks[0]["published_top1_percent"] is None


MICRO = zoo.get("micro").fitted(num_classes=2, in_channels=3)
CARD = Card(MICRO, ("bright", "dark"), (0.5,) * 3, (0.25,) * 3)


def two_greys(root: Path) -> Path:
    for name, level in (("bright", 220), ("dark", 30)):
        (root / "val" / name).mkdir(parents=True)
        for number in range(3):
            path = root / "val" / name / f"{number}.png"
            Image.new("RGB", (40, 30), (level + number,) * 3).save(path)
    return root


def micro(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    export(build(MICRO).eval(), CARD, path, "safetensors")
    return path


def test_an_exported_file_names_its_classes_itself(tmp_path: Path) -> None:
    root, path = two_greys(tmp_path / "images"), micro(tmp_path / "net.safetensors")
    found = evaluate([str(path)], root, Wish()).networks.iloc[0]
    assert (found["network"], found["outputs"], found["n"]) == ("net", 2, 6)
    assert pd.isna(found["top5_percent"])  # of two classes
    (root / "val" / "dark").rename(root / "val" / "dusk")
    with pytest.raises(UserError, match=r"2 classes \(bright, dark\), got 'dusk'"):
        evaluate([str(path)], root, Wish())


def test_a_wrong_order_of_classes_is_said(tmp_path: Path) -> None:
    root, path = two_greys(tmp_path / "images"), micro(tmp_path / "net.safetensors")
    swapped = tmp_path / "swapped.csv"
    swapped.write_text("bright,dark\ndark,bright\n")
    right = evaluate([str(path)], root, Wish()).networks["top1_percent"].iloc[0]
    wrong = evaluate([str(path)], root, Wish(), classes=swapped)
    assert wrong.networks["top1_percent"].iloc[0] == 100 - right
    assert any("classes in the network's order" in remark for remark in wrong.remarks)


def test_weights_of_ours_of_torchvisions_and_of_parallel_training_are_read(tmp_path: Path) -> None:
    root = two_greys(tmp_path / "images")
    theirs = torchvision.models.resnet18(weights=None, num_classes=2).state_dict()
    torch.save({f"module.{name}": tensor for name, tensor in theirs.items()}, tmp_path / "t.pth")
    ours = build(zoo.get("resnet-18").fitted(num_classes=2)).state_dict()
    safetensors.torch.save_file(ours, tmp_path / "o.safetensors")
    for name in ("t.pth", "o.safetensors"):
        address, order = f"resnet-18@{tmp_path / name}", Path("sorted")
        found = evaluate([address], root, Wish(px=64), classes=order).networks.iloc[0]
        assert (found["weights"], found["outputs"], found["px"]) == (name, 2, 64)


def test_folders_are_not_numbered_by_order_where_some_are_missing(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "r.pth")
    root, address = two_greys(tmp_path / "images"), f"resnet-18@{tmp_path / 'r.pth'}"
    with pytest.raises(UserError, match="a folder for each of 1000 classes, got 2"):
        evaluate([address], root, Wish(), classes=Path("sorted"))


def test_a_runs_network_scores_on_its_test_images_as_its_run_says(tmp_path: Path) -> None:
    compared = replace(TINY.compare, rivals=(), constants=Coefficients(1.2, 1.1, 1.15))
    run(replace(TINY, compare=compared), tmp_path / "tiny", device="cpu", workers=0)
    experiment = read_experiment(tmp_path / "tiny")
    job = experiment.compare_job(experiment.base, 1001)
    split = load_split(job.data, "test", job.architecture.resolution_px, torch.device("cpu"))
    images = split.fetch(torch.arange(len(split)))
    for number, (pixels, label) in enumerate(zip(images, split.labels, strict=True)):
        folder = tmp_path / "images" / "test" / experiment.info.classes[int(label)]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[0].numpy()).save(folder / f"{number}.png")
    wish = Wish(str(tmp_path / "tiny"), seed=1001)
    found = evaluate(["base", "compound:1"], tmp_path / "images", wish).networks
    result = Ledger.snapshot(tmp_path / "tiny" / "ledger.jsonl").get(job)
    assert isinstance(result, Finished)
    assert result.test is not None
    assert found["network"].tolist() == ["tiny base", "tiny compound:1"]
    assert found["top1_percent"].iloc[0] == pytest.approx(100 * result.test.top1)
    assert found["loss"].iloc[0] == pytest.approx(result.test.loss, rel=1e-4)


@pytest.mark.parametrize(
    ("addresses", "wish", "rule"),
    [
        ([], Wish(), "needs a network"),
        (["resnet-18"], Wish(), "with weights, got 'resnet-18' without: name it resnet-18@torch"),
        (["resnet-81"], Wish("torchvision"), "did you mean resnet-18"),
        (["micro"], Wish("torchvision"), "there are published weights of"),
        (["resnet-18"], Wish("nowhere.pth"), "nothing lies there"),
        (["resnet-18@torchvision:V9"], Wish(), "are IMAGENET1K_V1, got 'V9'"),
        (["absent.safetensors"], Wish(), "file must exist, got 'absent.safetensors'"),
    ],
)
def test_a_wrong_request_is_one_line(
    addresses: list[str], wish: Wish, rule: str, photographs: Path
) -> None:
    with pytest.raises(UserError, match=rule):
        evaluate(addresses, photographs, wish)


def test_weights_of_another_network_are_refused(photographs: Path, tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "r.pth")
    with pytest.raises(UserError, match="must be those of resnet-34, got others"):
        evaluate([f"resnet-34@{tmp_path / 'r.pth'}"], photographs, Wish())


@pytest.mark.parametrize(
    ("network", "family"),
    [
        ("efficientnet-b7", "efficientnet-b"),
        ("resnet-50 (torchvision IMAGENET1K_V2)", "resnet"),
        ("mobilenet-v2", "mobilenet-v"),
        ("convnext-tiny", "convnext-tiny"),
        ("demo compound:1", "demo compound"),
    ],
)
def test_a_family_is_a_name_without_its_size(network: str, family: str) -> None:
    assert architecture_family(network) == family


def imagenet(rows: list[dict[str, object]]) -> Evaluation:
    return Evaluation(pd.DataFrame(rows), pd.DataFrame(), ())


def test_the_papers_table_stands_beside_imagenet_alone() -> None:
    row: dict[str, object] = {
        **{"network": "efficientnet-b0", "n": 50_000, "classes": 1000, "outputs": 1000},
        **{"top1_percent": 77.7, "top1_low_percent": 77.3, "top1_high_percent": 78.1},
        "macs": 385_814_752,
    }
    assert "Table 2" in weights_picture(imagenet([row])).caption
    assert "Table 2" not in weights_picture(imagenet([row | {"classes": 10}])).caption
