from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest


def write(path: Path, record: dict[str, object]) -> str:
    """A pickle as the set's authors lay it; returns its MD5."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(record))
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty training and ten test images of two classes in CIFAR-10's layout."""
    kind, base = torchvision.datasets.CIFAR10, tmp_path / "cifar-10-batches-py"
    pixels = np.arange(20, dtype=np.uint8)[:, None].repeat(3072, 1)
    labels = [index % 2 for index in range(20)]
    train = write(base / "data_batch_1", {"data": pixels, "labels": labels})
    test = write(base / "test_batch", {"data": pixels[:10], "labels": labels[:10]})
    meta = write(base / "batches.meta", {"label_names": ["cat", "ship"]})
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", train]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", test]])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": meta})
    return tmp_path


def test_cifar_is_read_from_torchvisions_layout(root: Path) -> None:
    request = DataRequest("cifar10", root=str(root))
    info = describe(request)
    assert info.classes == ("cat", "ship")
    assert (info.channels, info.native_px, info.train_images, info.test_images) == (3, 32, 18, 10)
    test = load_split(request, "test", 32)
    image = test.fetch(torch.tensor([7]))
    assert image.shape == (1, 3, 32, 32)
    assert set(image.flatten().tolist()) == {7}
    assert test.labels.tolist() == [0, 1] * 5


def test_greyscale_makes_one_channel(root: Path) -> None:
    request = DataRequest("cifar10", root=str(root), greyscale=True)
    image = load_split(request, "test", 16).fetch(torch.tensor([7]))
    assert image.shape == (1, 1, 16, 16)
    assert (image.int() - 7).abs().max() <= 1


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_missing_file_is_named_with_the_way_to_get_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"isn't there: use --download") as caught:
        describe(DataRequest(name, root=str(tmp_path)))
    assert str(tmp_path) in str(caught.value)


def test_a_pickle_of_other_bytes_is_named_and_never_opened(root: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (root / "executed",)

    (root / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="test_batch must have the published MD5"):
        describe(DataRequest("cifar10", root=str(root)))
    assert not (root / "executed").exists()
