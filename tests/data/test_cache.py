from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scaling_search.core.errors import UserError
from scaling_search.data.cache import (
    CACHE_VERSION,
    cache_folder,
    cached,
    make_cache_folder,
    user_path,
)

SHAPE = (4, 1, 2, 2)
WHOLE = np.arange(16, dtype=np.uint8).reshape(SHAPE)

# Not forked from a process whose other threads may hold a lock just then.
NEW = multiprocessing.get_context("spawn")


def build_half(said: Connection) -> None:
    def batches() -> Iterator[NDArray[np.uint8]]:
        yield WHOLE[:2]
        said.send("half")
        time.sleep(3600)  # it is killed

    cached("key", SHAPE, batches)


def build_slowly(said: Connection) -> None:
    def batches() -> Iterator[NDArray[np.uint8]]:
        time.sleep(0.2)  # so that the others come while it is being built
        said.send("built")
        yield WHOLE

    assert np.array_equal(cached("key", SHAPE, batches), WHOLE)


def halves() -> Iterator[NDArray[np.uint8]]:
    yield WHOLE[:2]
    yield WHOLE[2:]


def never() -> Iterator[NDArray[np.uint8]]:
    raise AssertionError("built again")
    yield WHOLE


def test_an_array_is_built_once_and_then_mapped(cache: Path) -> None:
    assert np.array_equal(cached("key", SHAPE, halves), WHOLE)
    array = cached("key", SHAPE, never)
    assert isinstance(array, np.memmap)
    assert np.array_equal(array, WHOLE)
    assert [path.name for path in cache.rglob("*.npy")] == ["key.npy"]


def test_numpy_reads_what_was_written(cache: Path) -> None:
    for shape in [(1, 1, 1, 1), (60_000, 3, 1, 1), SHAPE]:
        key = "x".join(map(str, shape))

        def sevens(shape: tuple[int, ...] = shape) -> Iterator[np.ndarray]:
            return iter([np.full(shape, 7, np.uint8)])

        built = cached(key, shape, sevens)
        assert built.shape == shape
        assert (np.load(next(cache.rglob(f"{key}.npy")), allow_pickle=False) == 7).all()


def test_what_a_process_writes_into_its_map_stays_its_own() -> None:
    cached("key", SHAPE, halves)[:] = 0
    assert np.array_equal(cached("key", SHAPE, never), WHOLE)


def test_a_builder_killed_halfway_leaves_nothing_that_is_used(cache: Path) -> None:
    here, there = NEW.Pipe()
    builder = NEW.Process(target=build_half, args=(there,))
    builder.start()
    there.close()  # or a builder that dies would be waited for without end
    assert here.recv() == "half"
    builder.kill()
    builder.join()
    assert not list(cache.rglob("*.npy"))
    assert list(cache.rglob(".*.part"))
    assert np.array_equal(cached("key", SHAPE, halves), WHOLE)
    assert not list(cache.rglob(".*.part"))


def test_an_exception_halfway_leaves_nothing(cache: Path) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield WHOLE[:2]
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        cached("key", SHAPE, broken)
    assert not list(cache.rglob("*.npy"))
    assert not list(cache.rglob(".*.part"))


def test_processes_that_want_one_array_at_once_build_it_once() -> None:
    here, there = NEW.Pipe()
    builders = [NEW.Process(target=build_slowly, args=(there,)) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert [builder.exitcode for builder in builders] == [0] * 4
    assert here.recv() == "built"
    assert not here.poll()


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_array_is_built_anew(cache: Path, damage: bytes | None) -> None:
    cached("key", SHAPE, halves)
    path = next(cache.rglob("key.npy"))
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    assert np.array_equal(cached("key", SHAPE, halves), WHOLE)


def test_an_array_of_another_shape_is_built_anew() -> None:
    cached("key", SHAPE, halves)
    flat = cached("key", (16, 1, 1, 1), lambda: iter([WHOLE.reshape(16, 1, 1, 1)]))
    assert flat.shape == (16, 1, 1, 1)


def test_a_pickle_in_the_cache_is_not_opened(cache: Path) -> None:
    path = cache / CACHE_VERSION / "key.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.array([{"not": "bytes"}], object), allow_pickle=True)
    assert np.array_equal(cached("key", SHAPE, halves), WHOLE)


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"must be writable.*SCALING_SEARCH_CACHE") as caught:
        cached("key", SHAPE, halves)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_an_error_and_leaves_no_array(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, *args: Any, **kwargs: Any) -> object:
        target = Path("/dev/full") if path.name.endswith(".part") else path
        return opened(target, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UserError, match="No space left"):
        cached("key", SHAPE, halves)
    assert not list(cache.rglob("*.npy"))


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match="must be writable, got Not a directory: name a folder"):
        make_cache_folder()
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "new"))
    make_cache_folder()
    assert (tmp_path / "new").is_dir()


NO_HOME = """
import pwd
def nobody(_):
    raise KeyError("no such user")
pwd.getpwuid = nobody
from scaling_search.cli.main import main
main()
"""


def test_a_user_without_a_home_is_told_in_one_line_what_to_name(tmp_path: Path) -> None:
    dropped = ("HOME", "XDG_CACHE_HOME", "SCALING_SEARCH_CACHE")
    bare = {name: value for name, value in os.environ.items() if name not in dropped}
    words = ["train", "nano", "--px", "16", "--epochs", "1", "--workers", "0", "--device", "cpu"]
    ended = subprocess.run(
        [sys.executable, "-c", NO_HOME, *words, "--out", str(tmp_path / "run")],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(
        "images made ready are kept in the user's home, got none: set HOME, or name a folder"
    )
    assert (tmp_path / "run" / "ledger.jsonl").read_bytes() == b""


def test_a_home_of_a_user_that_nobody_knows_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_path("~nobody-of-that-name/images") == Path("~nobody-of-that-name/images")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert user_path("~/images") == Path("/home/somebody/images")
    monkeypatch.setenv("SCALING_SEARCH_CACHE", "~/cache")
    assert cache_folder() == Path("/home/somebody/cache")
