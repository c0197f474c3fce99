"""The images of one split, wherever they come from, and how they are brought to a side in px."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from scaling_search.core.errors import UserError
from scaling_search.data.cache import Images
from scaling_search.data.request import SplitName
from scaling_search.data.splitting import Indices

MOST_NAMED = 100
REPLACE, REPLACE_ALL = "replace it or take it away", "replace them or take them away"


class Subset(Protocol):
    """The chosen images of a pool, checked: none is missing or damaged.

    A part with a master is read once at the master's side and shrunk from there to any other; a
    part without one (folders of images of many sizes) reads each image at the side asked for.
    """

    @property
    def digest(self) -> str:
        """16 hex digits that follow the content of these images, in this order."""

    @property
    def labels(self) -> Indices:
        """The class index of each image."""

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""

    @property
    def native_px(self) -> int:
        """The side of the images, or their median shorter side."""

    def master_px(self, px: int, /) -> int | None:
        """The side at which the images are read so as to be resized to `px`; None: read at `px`."""

    def read(self, positions: Indices, px: int) -> Images:
        """The images at these positions, uint8 B × C × px × px, `px` being a master side if any."""

    def resize(self, images: Images, px: int) -> Images:
        """Images of the master's side, uint8 B × C × S × S, brought to `px`."""


class ImagePool(Protocol):
    """All the images from which a split may be chosen."""

    @property
    def labels(self) -> Indices:
        """The class index of each image."""

    def part(self, chosen: Indices) -> Subset:
        """These images, checked; raises UserError that names a missing or damaged file."""


def no_remarks(_parts: Mapping[SplitName, Subset]) -> tuple[str, ...]:
    """Nothing needs to be said."""
    return ()


@dataclass(frozen=True)
class Dataset:
    """A data set found: its classes, the pool of train (and validation), and the pool of test.

    `remarks` are lines for the user about the parts that were chosen, as checked. `validation` is
    a pool of its own; None: it is held out of the pool of train.
    """

    classes: tuple[str, ...]
    train: ImagePool
    test: ImagePool
    remarks: Callable[[Mapping[SplitName, Subset]], tuple[str, ...]] = no_remarks
    validation: ImagePool | None = None


@dataclass(frozen=True, eq=False)
class ArrayPart:
    """Images that one file holds at one side: `load` reads them all, uint8 N × C × S × S."""

    load: Callable[[], Images]
    chosen: Indices
    labels: Indices
    channels: int
    native_px: int
    digest: str

    def master_px(self, _px: int, /) -> int | None:
        """The side in the file, whatever is asked for."""
        return self.native_px

    def read(self, positions: Indices, px: int) -> Images:
        """The images at these positions."""
        return resize(self.load()[self.chosen[positions]], px)

    def resize(self, images: Images, px: int) -> Images:
        """Bilinear with antialiasing."""
        return resize(images, px)


@dataclass(frozen=True, eq=False)
class ArrayPool:
    """A pool whose images lie in one file; `content` is the hash of its bytes."""

    load: Callable[[], Images]
    labels: Indices
    channels: int
    native_px: int
    content: str

    def part(self, chosen: Indices) -> ArrayPart:
        """These images; the file was checked when the pool was opened."""
        digest = fingerprint(self.content, self.channels, chosen.astype("<i8").tobytes())
        labels = self.labels[chosen]
        return ArrayPart(self.load, chosen, labels, self.channels, self.native_px, digest)


@dataclass(frozen=True)
class Unusable:
    """A file that can't be used: what it must be, what was found, and the way out."""

    path: Path
    rule: str
    got: str
    hint: str


class UnusableFilesError(UserError):
    """Files that can't be used; its one line names them all, a hundred at most."""

    def __init__(self, files: Sequence[Unusable]) -> None:
        self.files = tuple(files)
        super().__init__(_line(self.files))


def _line(files: Sequence[Unusable]) -> str:
    if len(files) == 1:
        (file,) = files
        return f"{file.path} must be {file.rule}, got {file.got}: {file.hint}"
    top = os.path.commonpath([file.path.parent for file in files])
    descriptions = [
        f"{os.path.relpath(file.path, top)} ({file.got})" for file in files[:MOST_NAMED]
    ]
    more = len(files) - len(descriptions)
    named = ", ".join([*descriptions, f"{more} more"] if more else descriptions)
    hints = {file.hint for file in files}
    hint = REPLACE_ALL if REPLACE in hints or len(hints) > 1 else hints.pop()
    return f"{len(files)} files in {top} can't be used: {named}: {hint}"


def fingerprint(*items: object) -> str:
    """16 hex digits of the SHA-256 over the items' text, or their bytes."""
    hashed = hashlib.sha256()
    for item in items:
        content = item if isinstance(item, bytes) else str(item).encode()
        hashed.update(len(content).to_bytes(8, "little") + content)
    return hashed.hexdigest()[:16]


def resize(images: Images, px: int) -> Images:
    """Bring uint8 images N × C × S × S to px × px, bilinear with antialiasing."""
    if images.shape[-1] == px:
        return images
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    resized = functional.interpolate(tensor, size=(px, px), mode="bilinear", antialias=True)
    return resized.numpy()
