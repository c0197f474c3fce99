"""Fashion-MNIST from its idx files, raw or gzipped, as Debian and torchvision lay them."""

from __future__ import annotations

import functools
import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling_search.core.errors import UserError, require
from scaling_search.data.cache import Images, Notify, cache_folder, user_path
from scaling_search.data.download import download
from scaling_search.data.request import DataRequest
from scaling_search.data.sources.base import ArrayPool, Dataset

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
HINT = "use --download, or `apt install dataset-fashion-mnist`"
LARGEST_BYTES = 1 << 30  # more than any such set has: a bomb is refused before it unpacks


@dataclass(frozen=True, eq=False)
class Idx:
    """An idx file read: its array and the hash of the bytes it holds once unpacked."""

    array: NDArray[np.uint8]
    content: str


def fashion_mnist(request: DataRequest, report: Notify) -> Dataset:
    """Fashion-MNIST from `root`, or from where Debian or an earlier download laid it."""
    folder = cache_folder() / "downloads" if request.root is None else user_path(request.root)
    if request.download:
        report("downloading fashion-mnist")
        _download(folder / "FashionMNIST" / "raw")
    folders = [folder, folder / "raw", folder / "FashionMNIST" / "raw"]
    if request.root is None:
        folders.append(DEBIAN)
    return Dataset(GARMENTS, _pool(folders, "train"), _pool(folders, "t10k"))


def _download(folder: Path) -> None:
    from torchvision.datasets import FashionMNIST  # takes seconds, and only a download needs it

    for file, md5 in FashionMNIST.resources:
        if not (folder / file.removesuffix(".gz")).is_file():  # unpacked by an earlier torchvision
            download("fashion-mnist", f"{FashionMNIST.mirrors[0]}{file}", folder, md5)


def _pool(folders: Sequence[Path], stem: str) -> ArrayPool:
    images_path = _find(folders, f"{stem}-images-idx3-ubyte")
    labels_path = _find(folders, f"{stem}-labels-idx1-ubyte")
    images, labels = read_idx(images_path, axes=3), read_idx(labels_path, axes=1)
    if len(images.array) != len(labels.array):
        raise UserError(
            f"{labels_path} must have a label for each of {len(images.array)} images, "
            f"got {len(labels.array)}: {HINT}"
        )
    if labels.array.max(initial=0) >= len(GARMENTS):
        raise UserError(f"{labels_path} must hold labels 0 to 9, got {labels.array.max()}")
    return ArrayPool(
        load=functools.partial(_load, images_path, images.content),
        labels=labels.array.astype(np.int64),
        channels=1,
        native_px=images.array.shape[1],
        content=images.content + labels.content,
    )


# One file at a time: its images are read once for all chunks of a build.
@functools.lru_cache(maxsize=1)
def _load(path: Path, content: str) -> Images:
    idx = read_idx(path, axes=3)
    require(idx.content == content, f"{path} must stay as it is", "other bytes", "start again")
    return idx.array[:, None]


def _find(folders: Sequence[Path], name: str) -> Path:
    for folder in folders:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise UserError(f"fashion-mnist needs {name}(.gz) in {folders[0]}, which isn't there: {HINT}")


def read_idx(path: Path, axes: int) -> Idx:
    """The unsigned bytes of an idx file with so many axes, raw or gzipped.

    Raises UserError, naming the file, when it is cut short or is something else. The format:
    two zero bytes, 8 for unsigned bytes, the number of axes, each axis as big-endian uint32.
    """
    start = 4 + 4 * axes
    try:
        with (gzip.open if path.suffix == ".gz" else Path.open)(path, "rb") as file:
            header = file.read(start)
            shape = tuple(int(side) for side in np.frombuffer(header[4:start], ">u4"))
            size = int(np.prod(shape, dtype=object)) if len(header) == start else 0
            is_valid = header[:4] == bytes((0, 0, 8, axes)) and 0 < size <= LARGEST_BYTES
            # One byte more than there should be: reading to the end also checks gzip's sum.
            body = file.read(size + 1) if is_valid else b""
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{path} can't be read, got {error}: {HINT}") from error
    if not is_valid or len(body) != size:
        raise UserError(
            f"{path} must be an idx file of {axes} axes, got "
            f"{f'{len(body)} bytes for shape {shape}' if is_valid else 'another header'}: {HINT}"
        )
    content = hashlib.sha256(header + body).hexdigest()
    return Idx(np.frombuffer(body, np.uint8).reshape(shape), content)
