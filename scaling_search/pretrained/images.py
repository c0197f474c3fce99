"""The labelled images that networks are evaluated on: one folder a class, no training images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scaling_search.core.errors import UserError, require
from scaling_search.core.hashing import digest
from scaling_search.data.cache import user_path
from scaling_search.data.decode import BROKEN, threads
from scaling_search.data.pixels import orientation
from scaling_search.data.sources.folder_scan import IMAGE_ENDINGS, scan
from scaling_search.data.sources.split_folders import TEST, VALIDATION, split_folder

DECODED_AHEAD = 2  # batches that are decoded while one is computed


@dataclass(frozen=True)
class Labelled:
    """Image files below `folder`, and of each one the place of its class among `folders`."""

    folder: Path
    folders: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def content(self) -> str:
        """Stands for the files: their names and sizes."""
        sizes = [(self.folder / name).stat().st_size for name in self.names]
        return digest([list(self.names), sizes])

    def turned(self) -> int:
        """How many images an EXIF orientation turns upright."""
        return sum(threads().map(lambda name: _is_turned(self.folder / name), self.names))


def labelled(root: Path, split: str | None = None, images: int | None = None) -> Labelled:
    """The images of `root`'s val/ (valid/, validation/), else test/, else of `root` itself.

    `split` names a folder of it instead. `images` takes so many, evenly spaced over all, so that
    each class has its share. Raises UserError for a folder that holds no folder a class.
    """
    folder = _folder(user_path(root), split)
    scanned = scan(folder, _way_out(folder))
    chosen = np.arange(len(scanned.names))
    if images is not None:
        require(images >= 1, "images must be at least 1", images)
        chosen = np.unique(np.linspace(0, len(chosen) - 1, min(images, len(chosen))).astype(int))
    names = tuple(scanned.names[index] for index in chosen)
    return Labelled(folder, scanned.class_names, names, tuple(scanned.labels[chosen].tolist()))


def batches(
    images: Labelled, read: Callable[[Path], torch.Tensor], size: int
) -> Iterator[torch.Tensor]:
    """The images as float32 B × C × px × px, `size` at a time; threads decode ahead."""
    pool, paths = threads(), iter([images.folder / name for name in images.names])
    coming = [pool.submit(read, path) for path in islice(paths, size * (1 + DECODED_AHEAD))]
    while coming:
        now, coming = coming[:size], coming[size:]
        batch = torch.stack([image.result() for image in now])
        coming += [pool.submit(read, path) for path in islice(paths, size)]
        yield batch


def _folder(root: Path, split: str | None) -> Path:
    if not root.is_dir():
        kind = "a file" if root.exists() else "a path where nothing is"
        raise UserError(f"--root must be a folder of images, got {root}, {kind}")
    if split is not None:
        chosen = split_folder(root, (split,))
        there = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir())) or "none"
        rule = f"split must be a folder of {root} ({there})"
        require(chosen is not None, rule, split)
        return chosen or root
    return split_folder(root, VALIDATION) or split_folder(root, TEST) or root


def _way_out(folder: Path) -> str:
    flat = any(path.suffix.lower() in IMAGE_ENDINGS for path in folder.iterdir() if path.is_file())
    if flat:
        return (
            "its images lie flat: put those of each class into a folder of their own, which "
            "ImageNet's are named for by wnid (n01440764)"
        )
    return "put the images of each class into a folder of their own, below val/"


def _is_turned(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return orientation(image) != 1
    except BROKEN:
        return False
