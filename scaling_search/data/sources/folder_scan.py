"""Which files of a folder are images of which class, and what is passed over.

The order is that of torchvision's ImageFolder: classes by name, within a class folders by their
path, within a folder files by name. A split follows from it, so it must never change.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np

from scaling_search.core.errors import UserError
from scaling_search.data.splitting import Indices

IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".jp2", ".j2k", ".jpx"),
    *(".png", ".apng", ".gif", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".dib", ".tga"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
)
"""Of image files, in lower case. A list of our own: Pillow's would change with its version."""

NOT_DATA = {
    "__macosx": "left by a Mac's archiver: delete it",
    "@eadir": "a Synology's thumbnails",
    "#recycle": "a wastebasket",
    "$recycle.bin": "a wastebasket",
    "lost+found": "a file system's own",
    "system volume information": "a file system's own",
    "__pycache__": "Python's own",
}
"""Folders that systems leave behind, in lower case, and what they are."""

KINDS_NAMED = 8

FOLDER_RULES = (
    "a class is a folder in train/, and all image files below it are its images",
    "image files are those that end in " + " ".join(IMAGE_ENDINGS) + ", in upper or lower case",
    "names with a dot first are passed over, and so are " + ", ".join(NOT_DATA),
    "a link to a folder is followed, but no folder is taken twice",
    "val/ (valid/, validation/) beside test/ holds the validation images; without test/ it is the "
    "test split; where there is none, validation is held out of train/",
)
"""What docs/your-images.md states, and `datasets` prints."""


@dataclass
class IgnoredEntries:
    """How many of what was passed over, by its kind in words."""

    kinds: Counter[str] = field(default_factory=Counter)

    def add_folder(self, name: str) -> None:
        """Count a folder; each is named, since there may be much in it."""
        origin = NOT_DATA.get(name.lower())
        self.kinds[f"{printable(name)}/ ({origin})" if origin else f"{printable(name)}/"] += 1

    def add_file(self, name: str) -> None:
        """Count a file by its ending; hidden ones are of one kind."""
        ending = PurePath(name).suffix.lower()
        named = name.lower() in ("thumbs.db", "desktop.ini")
        kind = name if named or not ending else ending
        self.kinds["hidden files" if name.startswith(".") else printable(kind)] += 1

    def __str__(self) -> str:
        """The commonest kinds with their numbers."""
        ordered = sorted(self.kinds.items(), key=lambda item: (-item[1], item[0]))
        most = [f"{count:,} {kind}" for kind, count in ordered[:KINDS_NAMED]]
        remaining = sum(count for _, count in ordered[KINDS_NAMED:])
        return ", ".join([*most, f"{remaining:,} others"] if remaining else most)


@dataclass(frozen=True, eq=False)
class Scan:
    """The images of one split's folder: their paths in it, and the index of each one's class."""

    folder: Path
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: Indices
    passed_over: IgnoredEntries

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as people read them: of one Unicode form, whatever system made them."""
        return tuple(map(printable, self.classes))


def scan(folder: Path, hint: str) -> Scan:
    """Find the images of the classes in a folder; nothing is opened.

    Raises UserError for a folder that isn't there or can't be read, a class without images, and a
    link that leads to a folder which is reached otherwise.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} must hold a folder a class, got an absent folder: {hint}")
    over = IgnoredEntries()
    classes = tuple(entry.name for entry in _class_folders(folder, over))
    if not classes:
        raise UserError(
            f"{folder} must hold a folder a class, got {over if over.kinds else 'none'}: {hint}"
        )
    names: list[str] = []
    counts: list[int] = []
    real = Path(os.path.realpath(folder))
    reached = {str(above): above for above in (real, *real.parents)}
    empty: dict[str, IgnoredEntries] = {}
    for name in classes:
        within = IgnoredEntries()
        paths = list(_images(folder / name, reached, within))
        if not paths:
            empty[name] = within
        over.kinds += within.kinds
        counts.append(len(paths))
        names += [path.relative_to(folder).as_posix() for path in paths]
    _require_images(folder, empty)
    return Scan(folder, classes, tuple(names), np.repeat(np.arange(len(classes)), counts), over)


def is_hidden(name: str) -> bool:
    """Whether a name is a system's affair and no data."""
    return name.startswith(".") or name.lower() in NOT_DATA


def printable(name: str) -> str:
    """A file's name as text in one Unicode form; bytes that are no UTF-8 are shown as such."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode(errors="backslashreplace"))


def _class_folders(folder: Path, over: IgnoredEntries) -> list[os.DirEntry[str]]:
    folders = []
    for entry in _entries(folder):
        if not _leads_to_folder(entry):
            over.add_file(entry.name)
        elif is_hidden(entry.name):
            over.add_folder(entry.name)
        else:
            folders.append(entry)
    return sorted(folders, key=lambda entry: entry.name)


def _images(top: Path, reached: dict[str, Path], over: IgnoredEntries) -> Iterator[Path]:
    """The images below a class's folder, in order."""
    of_folder: dict[str, list[str]] = {}
    pending = [top]
    while pending:
        folder = pending.pop()
        _require_new(folder, reached)
        files = of_folder[str(folder)] = []
        for entry in _entries(folder):
            if _leads_to_folder(entry):
                if is_hidden(entry.name):
                    over.add_folder(entry.name)
                else:
                    pending.append(folder / entry.name)
            elif is_hidden(entry.name) or not entry.name.lower().endswith(IMAGE_ENDINGS):
                over.add_file(entry.name)
            else:
                files.append(entry.name)
    for path in sorted(of_folder):
        for name in sorted(of_folder[path]):
            yield Path(path, name)


def _require_new(folder: Path, reached: dict[str, Path]) -> None:
    """Raise UserError for a folder whose images were counted under another path."""
    real = os.path.realpath(folder)
    earlier = reached.setdefault(real, folder)
    if earlier is not folder:
        raise UserError(
            f"each folder of images must be reached once, got {folder}, which is {earlier} again: "
            "take the link away"
        )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise UserError(
            f"{folder} must be readable, got {error.strerror}: give the right to read it, or take "
            "it away"
        ) from error


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _require_images(folder: Path, empty: dict[str, IgnoredEntries]) -> None:
    if not empty:
        return
    descriptions = [
        f"{printable(name)!r}" + (f" (only {over})" if over.kinds else "")
        for name, over in empty.items()
    ]
    raise UserError(
        f"each class of {folder} must hold images, got none in {', '.join(descriptions)}: put some "
        f"there, of the endings {' '.join(IMAGE_ENDINGS)}, or take the folder away"
    )
