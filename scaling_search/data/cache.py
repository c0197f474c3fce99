"""Arrays of images on disk: built once, whole or absent, mapped by many processes at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import platformdirs
from numpy.typing import NDArray

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.errors import UserError
from scaling_search.core.file_lock import file_lock

Images: TypeAlias = NDArray[np.uint8]
Notify: TypeAlias = Callable[[str], None]

CACHE_VERSION = "images-2"  # counted up when the same digest comes to mean other pixels


def quiet(_phrase: str) -> None:
    """Report nothing."""


def cache_folder() -> Path:
    """Where images made ready are kept: SCALING_SEARCH_CACHE, or the user's cache folder.

    Raises UserError where neither is named and the user has no home.
    """
    named = os.environ.get("SCALING_SEARCH_CACHE")
    if named:
        return user_path(named)
    try:
        return platformdirs.user_cache_path("scaling-search")
    except RuntimeError:
        raise UserError(
            "images made ready are kept in the user's home, got none: set HOME, or name a folder "
            "with room in SCALING_SEARCH_CACHE"
        ) from None


def make_cache_folder() -> None:
    """Make the folder of images made ready; raises UserError where it can't be made."""
    try:
        (cache_folder() / CACHE_VERSION).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error) from error


def user_path(path: str | Path) -> Path:
    """The path with ~ for the user's home; as it is where nobody knows of such a home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (pathlib's raises where there is none)


def cached(key: str, shape: tuple[int, ...], batches: Callable[[], Iterable[Images]]) -> Images:
    """The array of this key, mapped from disk; its batches are computed when it isn't there.

    The map is private to the process (copy on write). An interrupted build leaves the array
    absent, and two builders of one key wait for each other. Raises UserError when the cache
    can't be written.
    """
    path = cache_folder() / CACHE_VERSION / f"{key}.npy"
    array = _mapped(path, shape)
    if array is not None:
        return array
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The system drops the lock of a killed process, so nobody waits for the dead.
        with file_lock(path.with_suffix(".lock")):
            array = _mapped(path, shape)
            if array is None:
                _build(path, shape, batches())
                array = np.load(path, mmap_mode="c", allow_pickle=False)
    except OSError as error:
        raise unwritable(error) from error
    return array


def unwritable(error: OSError) -> UserError:
    """The line that says the cache can't be written, and why."""
    return UserError(
        f"the cache {cache_folder()} must be writable, got {error.strerror or error}: "
        "name a folder with room in SCALING_SEARCH_CACHE"
    )


def _build(path: Path, shape: tuple[int, ...], batches: Iterable[Images]) -> None:
    for left_over in path.parent.glob(f".{path.name}.*.part"):  # by a builder that was killed
        left_over.unlink(missing_ok=True)
    write_atomically(path, _npy(shape, batches))


def _npy(shape: tuple[int, ...], batches: Iterable[Images]) -> Iterable[bytes | memoryview]:
    """The bytes of a .npy file; written, not mapped, so that a full disk is an error."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    # Format 1.0: magic, length, and a header padded to 64 bytes, ended by a line feed.
    header = header.ljust(63 - (10 + len(header)) % 64 + len(header)) + "\n"
    yield b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("ascii")
    for batch in batches:
        yield np.ascontiguousarray(batch).data.cast("B")


def _mapped(path: Path, shape: tuple[int, ...]) -> Images | None:
    try:
        array: Images = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent, or damaged: built anew
        return None
    return array if array.shape == shape and array.dtype == np.uint8 else None
