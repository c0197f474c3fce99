"""Data sets fetched and unpacked, from files that stand in for the published ones."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.data.sources import cifar as cifar_module
from tests.data.sources.test_cifar import root as small_cifar  # noqa: F401


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL under which this machine's loopback serves the files of `tmp_path`."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def packed(folder: Path, archive: Path) -> str:
    """The folder as a .tgz; its MD5."""
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    return hashlib.md5(archive.read_bytes()).hexdigest()


@pytest.fixture
def published_cifar(
    small_cifar: Path,  # noqa: F811
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """CIFAR-10 of thirty images behind its URL; returns a folder to fetch it into."""
    kind = torchvision.datasets.CIFAR10
    md5 = packed(small_cifar / kind.base_folder, small_cifar / "cifar.tar.gz")
    monkeypatch.setattr(kind, "url", f"{address}cifar.tar.gz")
    monkeypatch.setattr(kind, "tgz_md5", md5)
    return small_cifar / "home"


def test_cifar_is_fetched_once_and_unpacked(published_cifar: Path) -> None:
    request = DataRequest("cifar10", root=str(published_cifar), download=True)
    assert describe(request).train_images == 18
    names = sorted(path.name for path in published_cifar.iterdir())
    assert names == ["cifar-10-batches-py", "cifar.tar.gz"]
    (published_cifar / "cifar.tar.gz").unlink()
    assert describe(request).train_images == 18


def test_an_archive_over_the_limit_is_refused_and_leaves_no_folder(
    published_cifar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar_module, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match=r"cifar\.tar\.gz must be .* got more than 1,000 bytes"):
        describe(DataRequest("cifar10", root=str(published_cifar), download=True))
    assert [path.name for path in published_cifar.iterdir()] == ["cifar.tar.gz"]


def test_an_archive_of_other_bytes_is_not_opened(
    published_cifar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "tgz_md5", "0" * 32)
    with pytest.raises(UserError, match="cifar10 must be downloaded, got File not found or corr"):
        describe(DataRequest("cifar10", root=str(published_cifar), download=True))
    assert not (published_cifar / "cifar-10-batches-py").exists()


def test_imagenette_is_fetched_and_unpacked(
    folder: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid = folder.rename(tmp_path / "imagenette2-320")
    (laid / "test").rename(laid / "val")
    md5 = packed(laid, tmp_path / "imagenette2-320.tgz")
    url = f"{address}imagenette2-320.tgz"
    kind = torchvision.datasets.Imagenette
    monkeypatch.setattr(kind, "_ARCHIVES", {"320px": (url, md5)})
    home = tmp_path / "home"
    info = describe(DataRequest("imagenette", root=str(home), download=True))
    assert (info.classes, info.test_images) == (("cat", "dog"), 8)
    assert (home / "imagenette2-320" / "val").is_dir()


def test_fashion_mnist_is_fetched_and_left_packed(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = []
    for stem, count in (("train", 40), ("t10k", 20)):
        images = np.zeros((count, 28, 28), np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, array in ((f"{stem}-images-idx3", images), (f"{stem}-labels-idx1", labels)):
            header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            path = tmp_path / f"{name}-ubyte.gz"
            path.write_bytes(gzip.compress(header + array.tobytes()))
            resources.append((path.name, hashlib.md5(path.read_bytes()).hexdigest()))
    kind = torchvision.datasets.FashionMNIST
    monkeypatch.setattr(kind, "resources", resources)
    monkeypatch.setattr(kind, "mirrors", [address])
    request = DataRequest("fashion-mnist", root=str(tmp_path / "home"), download=True)
    assert describe(request).test_images == 20
    raw = tmp_path / "home" / "FashionMNIST" / "raw"
    assert {path.suffix for path in raw.iterdir()} == {".gz"}
