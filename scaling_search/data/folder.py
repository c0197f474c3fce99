"""Images in folders, one folder a class: any ImageFolder, and Imagenette."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torchvision.datasets
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from scaling_search.data.archive import unpack
from scaling_search.data.cache import Images, Report, cache_folder
from scaling_search.data.decode import decode, threads
from scaling_search.data.download import download
from scaling_search.data.manifest import FileFacts, inspect
from scaling_search.data.parts import Part, Source, fingerprint, resize
from scaling_search.data.remarks import contrast_remarks, format_remarks
from scaling_search.data.request import DataRequest, SplitName
from scaling_search.data.selection import Indices
from scaling_search.errors import UserError
from scaling_search.pixel_rules import PixelRules

LAYOUT = "put the images in <root>/train/<class>/ and <root>/test/<class>/"
MAX_BYTES, MAX_FILES = 1 << 30, 20_000  # Imagenette's 13 394 images at 320 px take 0.35 GB
SMALL_PX = 64  # up to here a copy of the files at their own side is cheap, and quick to resize


@dataclass(frozen=True, eq=False)
class FolderPart:
    """Image files that have been checked; `names` are their paths in the folder, as bytes.

    An array of bytes and not a million objects: the readers of a large folder each have a copy.
    """

    folder: Path
    names: NDArray[np.bytes_]
    labels: Indices
    channels: int
    rules: PixelRules
    native_px: int
    of_one_side: bool
    digest: str

    def master_px(self, _px: int, /) -> int | None:
        """Their side, when all are small squares of one side."""
        return self.native_px if self.of_one_side and self.native_px <= SMALL_PX else None

    def read(self, positions: Indices, px: int) -> Images:
        """The images at these positions, the shorter side resized to `px`, cut to the middle."""
        paths = [self.folder / os.fsdecode(name) for name in self.names[positions]]
        # One of several readers keeps to its one core.
        each = map if get_worker_info() else threads().map
        return np.stack(list(each(functools.partial(self._decode, px), paths)))

    def resize(self, images: Images, px: int) -> Images:
        """Bilinear with antialiasing."""
        return resize(images, px)

    def _decode(self, px: int, path: Path) -> Images:
        return decode(path, px, self.channels, self.rules)


@dataclass(frozen=True, eq=False)
class FolderPool:
    """The files of one split's folder; `names` are their paths in it, `facts` what is known."""

    folder: Path
    names: tuple[str, ...]
    labels: Indices
    channels: int
    rules: PixelRules
    report: Report
    facts: dict[str, FileFacts] = field(default_factory=dict)

    def part(self, chosen: Indices) -> FolderPart:
        """These files; each is read, hashed and decoded unless that was done before."""
        names = [self.names[index] for index in chosen]
        facts = inspect(self.folder, names, self.rules, self.report)
        self.facts.update(zip(names, facts, strict=True))
        sides = np.array([(fact.width, fact.height) for fact in facts])
        return FolderPart(
            folder=self.folder,
            names=np.array([os.fsencode(name) for name in names]),
            labels=self.labels[chosen],
            channels=self.channels,
            rules=self.rules,
            native_px=int(np.median(sides.min(1))),
            of_one_side=bool((sides == sides[0, 0]).all()),
            digest=_digest(names, facts, self.channels, self.rules),
        )


def imagefolder(request: DataRequest, report: Report) -> Source:
    """Any folder with `train/<class>/…` and `test/<class>/…`.

    Where there is no `test`, `val` is the test split: validation is always held out of train.
    """
    root = Path(request.root or "").expanduser()
    if not root.is_dir():
        kind = "a file" if root.exists() else "a path where nothing is"
        raise UserError(f"imagefolder needs a folder as its root, got {root}, {kind}: {LAYOUT}")
    return _source(root, request, _layout(root), report)


def _layout(root: Path) -> str:
    """What to do where train/ or test/ is missing; the split's own folder is a usual mistake."""
    if root.name in ("train", "test", "val") and not (root / "train").exists():
        return f"name its parent, {root.parent}, with --root"
    return LAYOUT


def imagenette(request: DataRequest, report: Report) -> Source:
    """Imagenette from `root` (which holds imagenette2, -320 or -160), or downloaded at 320 px."""
    root = Path(request.root or cache_folder() / "downloads").expanduser()
    kind = torchvision.datasets.Imagenette
    way_out = "use --download, or name with --root the folder that holds imagenette2"
    places = [root / name for name in ("imagenette2", "imagenette2-320", "imagenette2-160")]
    folder = next((path for path in places if path.is_dir()), places[1])
    if request.download and not folder.is_dir():
        report("downloading imagenette")
        archive = download("imagenette", *_published(root))
        report(f"unpacking {archive.name}")
        limits = {"max_bytes": MAX_BYTES, "max_files": MAX_FILES}
        unpack(archive, folder, folder=folder.name, **limits)
    if not folder.is_dir():
        raise UserError(f"imagenette needs {folder}, which isn't there: {way_out}")
    source = _source(folder, request, way_out, report)
    names = {wnid: names[0] for wnid, names in kind._WNID_TO_CLASS.items()}
    classes = tuple(str(names.get(wnid, wnid)) for wnid in source.classes)
    return replace(source, classes=classes)


def _published(root: Path) -> tuple[str, Path, str]:
    url, md5 = torchvision.datasets.Imagenette._ARCHIVES["320px"]
    return url, root, md5


def _source(root: Path, request: DataRequest, way_out: str, report: Report) -> Source:
    train_folder = root / "train"
    test_folder = root / "test" if (root / "test").is_dir() else root / "val"
    classes, train = _pool(train_folder, request, way_out, report)
    test_classes, test = _pool(test_folder, request, way_out, report)
    if len(classes) < 2:
        raise UserError(
            f"{train_folder} must hold a folder for each of 2 classes or more, "
            f"got {classes[0]!r} alone: {way_out}"
        )
    if classes != test_classes:
        odd = sorted(set(classes) ^ set(test_classes))
        raise UserError(
            f"{train_folder} and {test_folder} must have the same classes, got {odd[0]!r} in one: "
            "add it to the other or take it away"
        )
    return Source(classes, train, test, functools.partial(_remarks, train, test))


def _remarks(
    train: FolderPool, test: FolderPool, parts: Mapping[SplitName, Part]
) -> tuple[str, ...]:
    """What the user should know of these files before anything is trained."""
    formats = [fact.format for pool in (train, test) for fact in pool.facts.values()]
    return (*format_remarks(formats, train.rules), *contrast_remarks(parts, formats))


def _pool(
    folder: Path, request: DataRequest, way_out: str, report: Report
) -> tuple[tuple[str, ...], FolderPool]:
    try:
        found = torchvision.datasets.ImageFolder(folder)
    except OSError as error:
        reason = "an absent folder" if not folder.is_dir() else str(error)
        raise UserError(f"{folder} must hold a folder a class, got {reason}: {way_out}") from error
    names = tuple(Path(path).relative_to(folder).as_posix() for path, _ in found.samples)
    labels = np.asarray(found.targets, np.int64)
    channels = 1 if request.greyscale else 3
    pool = FolderPool(folder, names, labels, channels, request.pixel_rules, report)
    return tuple(found.classes), pool


def _digest(
    names: Sequence[str], facts: Sequence[FileFacts], channels: int, rules: PixelRules
) -> str:
    rows = [f"{name}\0{fact.content}" for name, fact in zip(names, facts, strict=True)]
    # What a rule decides is told apart; plain pixels mean what they always meant.
    marks = [rules.marks(fact.format) for fact in facts]
    rows = [f"{row}\0{mark}" if mark else row for row, mark in zip(rows, marks, strict=True)]
    return fingerprint(channels, "\0\0".join(rows))
