from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scaling_search.data import prepare
from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest
from scaling_search.data.splits import ResidentSplit, StreamedSplit
from tests.data.conftest import disc, forget

EVERY = torch.arange(16)


@pytest.mark.parametrize("of_one_side", [True, False])
def test_a_split_too_large_is_streamed_with_the_same_images(
    folder: Path, monkeypatch: pytest.MonkeyPatch, of_one_side: bool
) -> None:
    for place in (folder / "train").iterdir():
        for path in place.iterdir():
            disc(10, (16, 16) if of_one_side else (20, 16)).save(path)
    request = DataRequest("imagefolder", root=str(folder), validation_fraction=0.2)
    resident = load_split(request, "train", 12)
    forget()
    monkeypatch.setattr(prepare, "RESIDENT_BYTES", 1000)
    streamed = load_split(request, "train", 12)
    assert isinstance(resident, ResidentSplit)
    assert isinstance(streamed, StreamedSplit)
    assert torch.equal(streamed.fetch(EVERY), resident.fetch(EVERY))
    assert torch.equal(streamed.labels, resident.labels)
    assert torch.equal(streamed.mean, resident.mean)


def test_fetch_gives_the_images_in_the_order_asked_for(folder: Path) -> None:
    split = load_split(DataRequest("imagefolder", root=str(folder)), "test", 8)
    indices = torch.tensor([5, 0, 5])
    images = split.fetch(indices)
    assert images.dtype == torch.uint8
    assert torch.equal(images[0], images[2])
    assert torch.equal(images[1:2], split.fetch(torch.tensor([0])))


def test_images_of_one_flat_grey_have_a_deviation_above_zero(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        disc(127, (2, 2)).resize((8, 8), 0).crop((0, 0, 1, 1)).resize((8, 8)).save(path)
    split = load_split(DataRequest("imagefolder", root=str(folder)), "train", 8)
    assert split.std.min() > 0


def test_large_images_are_made_in_small_runs() -> None:
    runs = list(prepare._chunks(100, image_bytes=prepare.CHUNK_BYTES // 3))
    assert [len(run) for run in runs[:2]] == [3, 3]
    assert sum(map(len, runs)) == 100


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_resident_split_lies_on_the_device(folder: Path) -> None:
    split = load_split(DataRequest("imagefolder", root=str(folder)), "train", 8, "cuda")
    assert split.fetch(torch.tensor([0])).is_cuda


def test_statistics_of_a_streamed_split_are_computed_once(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = DataRequest("imagefolder", root=str(folder))
    monkeypatch.setattr(prepare, "RESIDENT_BYTES", 1000)
    first = load_split(request, "train", 12)
    (file,) = cache.glob("statistics/*.json")
    forget()
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "_statistics", None)
        again = load_split(request, "train", 12)
    assert torch.equal(again.mean, first.mean)
    assert torch.equal(again.std, first.std)
    for damage in ("", "[1, 2]", "[[1], [2]]", "{}"):
        file.write_text(damage)
        forget()
        assert torch.equal(load_split(request, "train", 12).std, first.std)
