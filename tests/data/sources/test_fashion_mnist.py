from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest
from scaling_search.data.sources import fashion_mnist
from tests.data.conftest import forget

debian = pytest.mark.skipif(
    not (fashion_mnist.DEBIAN / "train-images-idx3-ubyte.gz").exists(),
    reason="the Debian package dataset-fashion-mnist is not installed",
)


def encode(array: NDArray[np.uint8]) -> bytes:
    return (
        bytes((0, 0, 8, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.tobytes())
    )


def write_set(folder: Path, packed: bool, count: int = 40) -> None:
    """Forty training and test images of 28 px, each of its index, of classes 0 to 9 in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.arange(count, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    labels = np.arange(count, dtype=np.uint8) % 10
    for stem in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{stem}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(encode(array)) if packed else encode(array))


@pytest.mark.parametrize("layout", [".", "raw", "FashionMNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_raw_and_gzipped_files_are_read_in_every_layout(
    tmp_path: Path, layout: str, packed: bool
) -> None:
    write_set(tmp_path / layout, packed)
    split = load_split(DataRequest("fashion-mnist", root=str(tmp_path)), "test", 28)
    assert set(split.fetch(torch.tensor([17])).flatten().tolist()) == {17}
    assert split.labels[17] == 7


def test_the_fingerprint_follows_the_content_not_the_place(tmp_path: Path) -> None:
    write_set(tmp_path / "a", packed=True)
    write_set(tmp_path / "b" / "raw", packed=False)
    write_set(tmp_path / "c", packed=True, count=50)
    marks = [
        describe(DataRequest("fashion-mnist", root=str(tmp_path / name))).fingerprint
        for name in "abc"
    ]
    assert marks[0] == marks[1] != marks[2]


def test_the_fingerprint_follows_cut_and_seed(tmp_path: Path) -> None:
    write_set(tmp_path, packed=True)

    def mark(**fields: Any) -> str:
        return describe(DataRequest("fashion-mnist", root=str(tmp_path), **fields)).fingerprint

    assert len({mark(), mark(split_seed=1), mark(train_images=30), mark(test_images=30)}) == 4


def test_a_missing_file_is_named_with_two_ways_to_get_it(tmp_path: Path) -> None:
    write_set(tmp_path, packed=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte") as caught:
        describe(DataRequest("fashion-mnist", root=str(tmp_path)))
    line = str(caught.value)
    assert "--download" in line
    assert "apt install dataset-fashion-mnist" in line
    assert "\n" not in line


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": cut_short,
    "a byte flipped": flipped,
    "empty": lambda content: b"",
    "no gzip": lambda content: b"no gzip at all",
    "other magic": lambda content: gzip.compress(b"\x00\x00\x09" + gzip.decompress(content)[3:]),
    "too few bytes": lambda content: gzip.compress(gzip.decompress(content)[:-1]),
    "too many bytes": lambda content: gzip.compress(gzip.decompress(content) + b"!"),
    "a bomb": lambda content: gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_before_training(tmp_path: Path, damage: str) -> None:
    write_set(tmp_path, packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz") as caught:
        describe(DataRequest("fashion-mnist", root=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_labels_that_do_not_fit_the_images_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, packed=False)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(encode(np.zeros(39, np.uint8)))
    with pytest.raises(UserError, match="a label for each of 40 images, got 39"):
        describe(DataRequest("fashion-mnist", root=str(tmp_path)))
    path.write_bytes(encode(np.full(40, 10, np.uint8)))
    with pytest.raises(UserError, match="labels 0 to 9, got 10"):
        describe(DataRequest("fashion-mnist", root=str(tmp_path)))


def test_a_file_replaced_after_the_check_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path, packed=False)
    request = DataRequest("fashion-mnist", root=str(tmp_path))
    describe(request)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(flipped(path.read_bytes()))
    with pytest.raises(UserError, match="must stay as it is"):
        load_split(request, "train", 28)


def test_a_download_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("Error downloading\ntrain-images")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", refuse)
    request = DataRequest("fashion-mnist", root=str(tmp_path), download=True)
    with pytest.raises(UserError, match="Error downloading train-images") as caught:
        describe(request)
    assert "\n" not in str(caught.value)


@debian
def test_debians_files_are_read_as_they_lie() -> None:
    info = describe(DataRequest("fashion-mnist"))
    assert (info.train_images, info.validation_images, info.test_images) == (54_000, 6_000, 10_000)
    assert (info.channels, info.native_px) == (1, 28)
    assert info.classes[9] == "Ankle boot"


@debian
def test_fashion_mnist_has_its_known_mean_and_deviation() -> None:
    request = DataRequest("fashion-mnist", validation_fraction=0.001)
    train = load_split(request, "train", 28)
    # 0.2860 and 0.3530: widely published for the 60 000 training images.
    assert train.mean.item() == pytest.approx(0.2860, abs=2e-4)
    assert train.std.item() == pytest.approx(0.3530, abs=2e-4)


@debian
def test_another_resolution_shows_the_same_photographs() -> None:
    request = DataRequest("fashion-mnist", train_images=200, test_images=100)
    small, native = (load_split(request, "test", px) for px in (14, 28))
    every = torch.arange(100)
    halved = torch.nn.functional.avg_pool2d(native.fetch(every).float(), 2)
    assert (small.fetch(every).float() - halved).abs().mean() < 12
    assert torch.equal(small.labels, native.labels)


@debian
def test_a_second_process_finds_the_same_images_in_the_cache() -> None:
    request = DataRequest("fashion-mnist", train_images=200, test_images=100)
    first = load_split(request, "train", 20)
    forget()
    second = load_split(request, "train", 20)
    assert first is not second
    assert torch.equal(first.fetch(torch.arange(180)), second.fetch(torch.arange(180)))
    assert load_split(request, "train", 20) is second
