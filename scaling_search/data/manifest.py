"""What is known of the files of a folder: each is looked at once, not at every start.

The files of a split are read and decoded whole before a training, up to 16 GiB of them. Of larger
ones (ImageNet's training images take 140 GiB) only the two ends of each file are read: the header
must decode, the format's end marker must be there (else that file is decoded whole), and what
identifies the images is their names, sizes and ends. So a missing, empty, cut or exchanged file is
still named before the training; a byte that changed in the middle of a file is not seen. Statistics
decode 10 000 such images before the training, and a reader that meets a broken one names it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.pixel_rules import PLAIN, PixelFormat, PixelRules
from scaling_search.data.cache import Notify, cache_folder, unwritable
from scaling_search.data.decode import broken, threads
from scaling_search.data.file_facts import (
    FileFacts,
    NamedStatus,
    facts_of,
    inspect_both_ends,
    inspect_whole,
    is_unchanged,
    status_of,
)
from scaling_search.data.sources.base import Unusable, UnusableFilesError

MANIFEST_VERSION = (
    "manifests-4"  # counted up when what is known of a file comes to mean something else
)
WHOLE_BYTES = 16 << 30  # read and decoded in a few minutes by eight threads
FILES_AT_ONCE = 1000


def inspect(
    folder: Path, names: Sequence[str], rules: PixelRules, report: Notify
) -> list[FileFacts]:
    """The facts of these files, in order; only new and changed ones are read.

    Raises UnusableFilesError that names all files which are missing, can't be decoded, or hold
    values that the rules don't explain; what is known of the others is remembered.
    """
    looked_up = [status_of(folder / name) for name in names]
    statuses = [status for status in looked_up if not isinstance(status, Unusable)]
    unusable = [status for status in looked_up if isinstance(status, Unusable)]
    by_ends = sum(status.st_size for status in statuses) > WHOLE_BYTES
    path = cache_folder() / MANIFEST_VERSION / f"{_key(folder)}{'-ends' if by_ends else ''}.json"
    facts = _read(path)
    new = [
        (name, status)
        for name, status in zip(names, looked_up, strict=True)
        if not isinstance(status, Unusable) and not is_unchanged(facts.get(name), status)
    ]
    look_at = functools.partial(facts_of, folder, inspect_both_ends if by_ends else inspect_whole)
    if new:
        try:
            unusable += _add_new(facts, new, look_at, report)
        finally:
            _write(path, facts)
    current = [(name, facts[name]) for name in names if name in facts]
    problems = [(name, rules.problem(fact.format)) for name, fact in current]
    unusable += [broken(folder / name, problem) for name, problem in problems if problem]
    if unusable:
        raise UnusableFilesError(sorted(unusable, key=lambda file: file.path))
    return [fact for _, fact in current]


def _add_new(
    facts: dict[str, FileFacts],
    files: Sequence[NamedStatus],
    look_at: Callable[[NamedStatus], FileFacts | Unusable],
    report: Notify,
) -> list[Unusable]:
    """Add the facts of files that are looked at now; those that can't be used come back."""
    unusable: list[Unusable] = []
    for first in range(0, len(files), FILES_AT_ONCE):
        batch = files[first : first + FILES_AT_ONCE]
        for (name, _), fact in zip(batch, threads().map(look_at, batch), strict=True):
            if isinstance(fact, Unusable):
                unusable.append(fact)
            else:
                facts[name] = fact
        if len(files) > FILES_AT_ONCE:
            report(f"checking images {first + len(batch)}/{len(files)}")
    return unusable


def _key(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def _read(path: Path) -> dict[str, FileFacts]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: _fact(*row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # absent or damaged: made anew
        return {}


def _fact(
    state: Sequence[int],
    content: str,
    width: int,
    height: int,
    unusual: Mapping[str, Any] | None = None,
) -> FileFacts:
    format = PixelFormat(**unusual) if unusual else PLAIN
    size, changed_ns, status_changed_ns, inode = state
    return FileFacts((size, changed_ns, status_changed_ns, inode), content, width, height, format)


def _row(fact: FileFacts) -> list[Any]:
    """A fact as plain values; of plain pixels, a million of which there may be, nothing is said."""
    row: list[Any] = [fact.state, fact.content, fact.width, fact.height]
    return row if fact.format == PLAIN else [*row, asdict(fact.format)]


def _write(path: Path, facts: dict[str, FileFacts]) -> None:
    rows = {name: _row(fact) for name, fact in facts.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [json.dumps(rows).encode()])
    except OSError as error:
        raise unwritable(error) from error
