"""The image files of a folder as a pool: checked, told apart, decoded when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from scaling_search.core.pixel_rules import PixelRules
from scaling_search.data.cache import Images, Notify
from scaling_search.data.decode import decode, threads
from scaling_search.data.file_facts import FileFacts
from scaling_search.data.manifest import inspect
from scaling_search.data.request import SplitName
from scaling_search.data.sources.base import Subset, fingerprint, resize
from scaling_search.data.splitting import Indices

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
        map_paths = map if get_worker_info() else threads().map
        return np.stack(list(map_paths(partial(self._decode, px), paths)))

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
    report: Notify
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


def _digest(
    names: Sequence[str], facts: Sequence[FileFacts], channels: int, rules: PixelRules
) -> str:
    return fingerprint(channels, b"\0\0".join(map(partial(_row, rules), names, facts)))


def _row(rules: PixelRules, name: str, fact: FileFacts) -> bytes:
    """A file's bytes by any name that its file system allows, and what a rule makes of them.

    Of plain pixels, which mean what they always meant, no rule is said.
    """
    content = os.fsencode(name) + b"\0" + fact.content.encode()
    marks = rules.marks(fact.format)
    return content + b"\0" + marks.encode() if marks else content


def contents_of(part: Subset, pools: Mapping[SplitName, FolderPool]) -> list[str]:
    """What tells the files of a part apart, in its order; a part of one of these pools."""
    folder_part = cast(FolderPart, part)
    pool = next(pool for pool in pools.values() if pool.folder == folder_part.folder)
    return [pool.facts[os.fsdecode(name)].content for name in folder_part.names]
