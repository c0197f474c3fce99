"""Images in folders, one folder a class: any ImageFolder, and Imagenette."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torchvision.datasets

from scaling_search.core.errors import UserError
from scaling_search.data.archive import unpack
from scaling_search.data.cache import Notify, cache_folder, user_path
from scaling_search.data.download import download
from scaling_search.data.request import DataRequest, SplitName
from scaling_search.data.sources.base import Dataset, Subset
from scaling_search.data.sources.file_pool import FolderPool, contents_of
from scaling_search.data.sources.folder_scan import Scan, scan
from scaling_search.data.sources.remarks import contrast_remarks, copies_remarks, format_remarks
from scaling_search.data.sources.split_folders import (
    hint,
    layout_remarks,
    require_apart,
    require_same_classes,
    split_folders,
    way_to,
)

MAX_BYTES, MAX_FILES = 1 << 30, 20_000  # Imagenette's 13 394 images at 320 px take 0.35 GB


def imagefolder(request: DataRequest, report: Notify) -> Dataset:
    """Any folder with `train/<class>/…` and `test/<class>/…`.

    `val/` (or `valid/`, `validation/`) holds the validation images; where there is no `test`, it is
    the test split. Validation is held out of train where no folder holds it.
    """
    root = user_path(request.root or "")
    if not root.is_dir():
        kind = "a file" if root.exists() else "a path where nothing is"
        raise UserError(
            f"imagefolder needs a folder as its root, got {root}, {kind}: {way_to(root)}; a study "
            "file's data.root is relative to that file, --root to the working directory"
        )
    return _source(root, request, hint(root), report)


def imagenette(request: DataRequest, report: Notify) -> Dataset:
    """Imagenette from `root` (which holds imagenette2, -320 or -160), or downloaded at 320 px."""
    root = user_path(request.root or cache_folder() / "downloads")
    kind = torchvision.datasets.Imagenette
    mend = "use --download, or name with --root the folder that holds imagenette2"
    folders = [root / name for name in ("imagenette2", "imagenette2-320", "imagenette2-160")]
    folder = next((path for path in folders if path.is_dir()), folders[1])
    if request.download and not folder.is_dir():
        report("downloading imagenette")
        archive = download("imagenette", *_published(root))
        report(f"unpacking {archive.name}")
        limits = {"max_bytes": MAX_BYTES, "max_files": MAX_FILES}
        unpack(archive, folder, folder=folder.name, **limits)
    if not folder.is_dir():
        raise UserError(f"imagenette needs {folder}, which isn't there: {mend}")
    source = _source(folder, request, mend, report)
    names = {wnid: names[0] for wnid, names in kind._WNID_TO_CLASS.items()}
    classes = tuple(str(names.get(wnid, wnid)) for wnid in source.classes)
    return replace(source, classes=classes)


def _published(root: Path) -> tuple[str, Path, str]:
    url, md5 = torchvision.datasets.Imagenette._ARCHIVES["320px"]
    return url, root, md5


def _source(root: Path, request: DataRequest, mend: str, report: Notify) -> Dataset:
    folders = split_folders(root)
    scans = {split: scan(folder, mend) for split, folder in folders.items()}
    train = scans["train"]
    classes = train.class_names
    if len(classes) < 2:
        raise UserError(
            f"{train.folder} must hold a folder for each of 2 classes or more, "
            f"got {classes[0]!r} alone: {mend}"
        )
    for other_split in scans.values():
        require_apart(train, other_split)
        require_same_classes(train, other_split)
    pools = {
        split: _pool(split_scan, classes, request, report) for split, split_scan in scans.items()
    }
    return Dataset(
        classes,
        pools["train"],
        pools["test"],
        partial(_remarks, root, scans, pools),
        pools.get("validation"),
    )


def _pool(
    split_scan: Scan, classes: Sequence[str], request: DataRequest, report: Notify
) -> FolderPool:
    index_of = {name: index for index, name in enumerate(classes)}
    labels = np.array([index_of[name] for name in split_scan.class_names], np.int64)[
        split_scan.labels
    ]
    channels = 1 if request.greyscale else 3
    return FolderPool(
        split_scan.folder, split_scan.names, labels, channels, request.pixel_rules, report
    )


def _remarks(
    root: Path,
    scans: Mapping[SplitName, Scan],
    pools: Mapping[SplitName, FolderPool],
    parts: Mapping[SplitName, Subset],
) -> tuple[str, ...]:
    """What the user should know of these files before anything is trained."""
    formats = [fact.format for pool in pools.values() for fact in pool.facts.values()]
    return (
        *layout_remarks(root, scans),
        *format_remarks(formats, pools["train"].rules),
        *copies_remarks({split: contents_of(part, pools) for split, part in parts.items()}),
        *contrast_remarks(parts, formats),
    )
