"""Weights come from the cache, and from elsewhere only when that is asked for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.pretrained.hub import cached_file, torchvision_file
from scaling_search.pretrained.preprocessing import row_of

CONTENT = b"weights, as it were"
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


def silent(_: str) -> None:
    return None


def test_nothing_is_fetched_unasked(hub: Path) -> None:
    with pytest.raises(
        UserError, match=r"efficientnet_b0_rwightman-7f5810bc.pth, got none: --down"
    ):
        torchvision_file(row_of("efficientnet-b0"), download=False, report=silent)
    assert not hub.exists()


def test_a_file_is_fetched_once_and_said(hub: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    said: list[str] = []
    url = (tmp_path / NAME).as_uri()
    path = cached_file(url, "net", True, said.append)
    assert path.read_bytes() == CONTENT
    (tmp_path / NAME).unlink()
    assert cached_file(url, "net", False, said.append) == path
    assert said == [f"fetching the weights of net from {url}"]


def test_other_bytes_than_the_name_tells_are_refused(hub: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"others")
    with pytest.raises(UserError, match=r"must be downloaded, got invalid hash value"):
        cached_file((tmp_path / NAME).as_uri(), "net", True, silent)
    assert list(hub.iterdir()) == []


def test_a_damaged_file_of_the_cache_is_refused(hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / NAME).write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match="must have the checksum that its name tells"):
        cached_file(f"https://example.org/{NAME}", "net", False, silent)


def test_an_address_without_a_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the weights of net must be downloaded, got"):
        cached_file((tmp_path / "gone-12345678.pth").as_uri(), "net", True, silent)
