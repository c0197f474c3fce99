"""Which of a network's classes a folder holds: by wnid, by name, or by a file that says so.

A wrong order scores as chance does, so nothing is taken for granted: folders are never numbered by
their order unless that is asked for.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from scaling_search.core.errors import UserError, require
from scaling_search.core.toml_config import decoded

IN_ORDER = "sorted"
"""Asks for folders to be numbered in the order of their names, as torchvision's ImageFolder is."""
IMAGENET_CLASSES = 1000
NAMED = 3
# ImageNet has two of each; torchvision calls the second another name.
SHARED_NAMES = {"crane", "maillot"}
Mapped = Mapping[str, str]
_WNID_FIRST = re.compile(r"(n\d{8})[_\-. ]")  # n02085620_Chihuahua


@cache
def wnids() -> tuple[str, ...]:
    """ImageNet's 1 000 classes as WordNet's numbers ("n01440764"), in the order of the logits.

    Examples:
        >>> from scaling_search.pretrained.classes import wnids
        >>> len(wnids()), wnids()[0]
        (1000, 'n01440764')
    """
    return tuple((Path(__file__).parent / "wnids.txt").read_text().split())


@cache
def imagenet_names() -> tuple[str, ...]:
    """ImageNet's classes as torchvision calls them, in the order of the logits."""
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def targets(
    folders: Sequence[str], classes: Sequence[str] | None, count: int, mapped: Mapped | None = None
) -> tuple[int, ...]:
    """The place of each folder's class among a network's `count` logits.

    `classes` are the network's own names (None: it has none, and 1 000 logits are ImageNet's);
    `mapped` says for a folder which class it holds: a place, a wnid or a name. Raises UserError,
    naming folders, unless each has its place.

    Examples:
        >>> from scaling_search.pretrained.classes import targets
        >>> targets(["n01440764", "n01443537"], None, 1000)
        (0, 1)
        >>> targets(["dog", "cat"], ["cat", "dog"], 2)
        (1, 0)
    """
    if mapped is not None:
        absent = [name for name in folders if name not in mapped]
        _refuse(absent, "the file of classes must name each folder", "add them to it")
    index_of = _places(classes, count)
    meant = [mapped[name] if mapped else name for name in folders]
    by_number = mapped is not None
    indices = [_place(word, index_of, count if by_number else 0) for word in meant]
    strangers = [
        name if name == word else f"{name} → {word}"
        for name, word, index in zip(folders, meant, indices, strict=True)
        if index is None
    ]
    _refuse(strangers, _rule(classes, count), _way_out(mapped))
    return tuple(index for index in indices if index is not None)


def read_mapping(path: Path, folders: Sequence[str]) -> dict[str, str]:
    """Which class each folder holds, by a file: JSON {folder: class}, or lines "folder,class".

    The word `sorted` for a file numbers the folders in the order of their names. Raises UserError
    for a file that can't be read or says a folder twice.
    """
    if str(path) == IN_ORDER:
        return {name: str(index) for index, name in enumerate(sorted(folders))}
    try:
        text = decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "no text"
        raise UserError(f"the file of classes must be readable, got {str(path)!r}: {why}") from None
    return _of_json(text, path) if path.suffix.lower() == ".json" else _of_lines(text, path)


def _of_json(text: str, path: Path) -> dict[str, str]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    plain = isinstance(values, dict) and all(isinstance(v, str | int) for v in values.values())
    rule = 'a JSON file of classes must look like {"folder": "class"}'
    require(plain, rule, str(path))
    return {str(folder): str(word) for folder, word in values.items()}


def _of_lines(text: str, path: Path) -> dict[str, str]:
    mapped: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in next(csv.reader([line]))] if "," in line else line.split()
        position = f"{path}, line {number}"
        require(
            len(parts) == 2, "a line of the file of classes must be folder,class", line, position
        )
        require(parts[0] not in mapped, "each folder is named once", parts[0], position)
        mapped[parts[0]] = parts[1]
    return mapped


def _places(classes: Sequence[str] | None, count: int) -> dict[str, int]:
    if classes is not None:
        return {name: index for index, name in enumerate(classes)}
    if count != IMAGENET_CLASSES:
        return {}
    names = [_plain(name) for name in imagenet_names()]
    shared = SHARED_NAMES | {name for name in names if names.count(name) > 1}
    once = {name: index for index, name in enumerate(names) if name not in shared}
    return once | {wnid: index for index, wnid in enumerate(wnids())}


def _place(word: str, places: Mapping[str, int], numbers: int) -> int | None:
    """A class's place by its name, a wnid (a name may follow it), or a number below `numbers`."""
    if word in places:
        return places[word]
    if word.isdecimal() and int(word) < numbers:
        return int(word)
    if (wnid := _WNID_FIRST.match(word)) is not None:
        return places.get(wnid[1])
    return places.get(_plain(word))


def _plain(name: str) -> str:
    return name.lower().replace("_", " ")


def _refuse(names: Sequence[str], rule: str, hint: str) -> None:
    if names:
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        listed = ", ".join(map(repr, names[:NAMED]))
        raise UserError(f"{rule}, got {listed}{more}: {hint}")


def _rule(classes: Sequence[str] | None, count: int) -> str:
    if classes is not None:
        few = ", ".join(classes[:NAMED]) + (", …" if len(classes) > NAMED else "")
        return f"each folder must be one of the network's {count} classes ({few})"
    if count == IMAGENET_CLASSES:
        return "each folder must be named by its ImageNet class, as n01440764 or tench"
    return f"weights of {count} classes don't say which is which"


def _way_out(mapped: Mapped | None) -> str:
    if mapped is not None:
        return "mend the file of classes"
    return (
        "say with --classes FILE which class each folder holds, "
        f"or --classes {IN_ORDER} where they are numbered in the order of their names"
    )
