"""CIFAR-10 and CIFAR-100 through torchvision, which reads only files of the published checksum."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision.datasets
from torchvision.datasets.utils import check_integrity
from torchvision.transforms.v2 import functional as transforms

from scaling_search.core.errors import UserError
from scaling_search.data.archive import unpack
from scaling_search.data.cache import Images, Notify, cache_folder, user_path
from scaling_search.data.download import download
from scaling_search.data.request import DataRequest
from scaling_search.data.sources.base import ArrayPool, Dataset

# 186 MB in eight files are published; each has its checksum.
MAX_BYTES, MAX_FILES = 1 << 28, 20


def cifar(request: DataRequest, report: Notify) -> Dataset:
    """CIFAR from `root` (which holds cifar-10-batches-py or cifar-100-python), or downloaded."""
    kind = _kind(request.name)
    root = user_path(request.root or cache_folder() / "downloads")
    if request.download and not (root / kind.base_folder).exists():
        report(f"downloading {request.name}")
        archive = download(request.name, kind.url, root, kind.tgz_md5)
        into = root / kind.base_folder
        unpack(archive, into, folder=into.name, max_bytes=MAX_BYTES, max_files=MAX_FILES)
    _check(request.name, kind, root)
    train, test = (_pool(request.name, root, part, request.greyscale) for part in (True, False))
    classes = tuple(str(name) for name in _set(request.name, root, train=False).classes)
    return Dataset(classes, train, test)


def _pool(name: str, root: Path, train: bool, greyscale: bool) -> ArrayPool:
    kind = _kind(name)
    # The files have just been checked against these sums, so the sums stand for their content.
    sums = [md5 for _, md5 in (kind.train_list if train else kind.test_list)]
    labels = np.asarray(_set(name, root, train).targets, np.int64)
    load = functools.partial(_load, name, root, train, greyscale)
    return ArrayPool(load, labels, 1 if greyscale else 3, 32, " ".join(sums))


# One set at a time: its images are read once for all chunks of a build.
@functools.lru_cache(maxsize=1)
def _load(name: str, root: Path, train: bool, greyscale: bool) -> Images:
    images: Images = _set(name, root, train).data.transpose(0, 3, 1, 2)
    if not greyscale:
        return images
    grey: Images = transforms.rgb_to_grayscale(torch.from_numpy(images)).numpy()
    return grey


def _check(name: str, kind: Any, root: Path) -> None:
    hint = f"use --download, or name with --root the folder that holds {kind.base_folder}"
    if (root / kind.base_folder).is_dir():
        hint = f"take {root / kind.base_folder} away and use --download"
    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    for file, md5 in listed:
        path = root / kind.base_folder / file
        if not path.is_file():
            raise UserError(f"{name} needs {path}, which isn't there: {hint}")
        if not check_integrity(path, md5):
            raise UserError(f"{path} must have the published MD5 {md5}, got another: {hint}")


def _set(name: str, root: Path, train: bool) -> Any:
    return _kind(name)(root, train=train)


def _kind(name: str) -> Any:
    datasets = torchvision.datasets
    return datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
