from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.data import prefetch, prepare
from scaling_search.data.load import load_split
from scaling_search.data.prefetch import read_ahead
from scaling_search.data.request import DataRequest
from scaling_search.data.splits import ResidentSplit, StreamedSplit
from tests.data.conftest import disc, forget
from tests.jobs.small import gone, until

ORDER = torch.tensor([3, 15, 0, 7, 7, 12, 1, 9, 4, 2, 11])
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_readers_left() -> object:
    yield
    prefetch._idle.clear()


def load(folder: Path, px: int = 12) -> ResidentSplit | StreamedSplit:
    forget()
    request = DataRequest("imagefolder", root=str(folder), validation_fraction=0.2)
    split = load_split(request, "train", px)
    assert isinstance(split, ResidentSplit | StreamedSplit)
    return split


def streamed(folder: Path, monkeypatch: pytest.MonkeyPatch, readers: int) -> StreamedSplit:
    monkeypatch.setattr(prepare, "RESIDENT_BYTES", 1000)
    monkeypatch.setenv("SCALING_SEARCH_READERS", str(readers))
    split = load(folder)
    assert isinstance(split, StreamedSplit)
    assert split.readers == readers
    return split


def gathered(split: ResidentSplit | StreamedSplit, order: torch.Tensor = ORDER) -> torch.Tensor:
    """The images of an order in batches of four, their labels checked."""
    images, labels = zip(*split.batches(order, 4), strict=True)
    assert [len(batch) for batch in images[:-1]] == [4] * (len(images) - 1)
    assert torch.equal(torch.cat(labels), split.labels[order])
    return torch.cat(images)


def photos(folder: Path) -> Path:
    """The folder with JPEG files of many sizes in place of its small PNG files."""
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        disc(3 * number, (14 + 5 * number, 30 + 2 * number)).save(path.with_suffix(".jpg"))
        path.unlink()
    return folder


def test_the_number_of_readers_changes_no_byte(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on one core, where torch would warn of two readers: they were asked for.
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    photos(folder)
    resident = load(folder)
    assert isinstance(resident, ResidentSplit)
    expected = gathered(resident)
    assert torch.equal(expected, resident.fetch(ORDER))
    for readers in (0, 1, 2):
        split = streamed(folder, monkeypatch, readers)
        assert torch.equal(gathered(split), expected)
        assert torch.equal(gathered(split, ORDER.flip(0)), expected.flip(0))  # another epoch


def test_readers_map_a_master_of_small_images_themselves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in folder.rglob("*.png"):
        disc(10 * int(path.stem), (16, 16)).save(path)
    expected = gathered(load(folder))
    assert torch.equal(gathered(streamed(folder, monkeypatch, 1)), expected)


def test_an_epoch_left_in_its_middle_does_not_spoil_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load(folder).fetch(ORDER)
    split = streamed(folder, monkeypatch, 2)
    left = split.batches(ORDER, 2)
    next(left)
    inner = split.batches(ORDER.flip(0), 2)  # while the first is not closed: readers of its own
    assert torch.equal(next(inner)[0], expected.flip(0)[:2])
    assert torch.equal(next(left)[0], expected[2:4])
    assert isinstance(left, Generator)
    assert isinstance(inner, Generator)
    left.close()
    inner.close()
    assert torch.equal(gathered(split), expected)


@pytest.mark.parametrize("readers", [0, 1])
def test_an_image_that_vanishes_or_breaks_is_named_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, readers: int
) -> None:
    split = streamed(folder, monkeypatch, readers)
    folder.joinpath("train", "cat", "0.png").unlink()
    for path in folder.glob("train/dog/*.png"):
        path.write_bytes(path.read_bytes()[:-30])
    for index in (0, 15):
        with pytest.raises(UserError, match=r"(cat|dog)/\d\.png must be an image, got") as caught:
            list(split.batches(torch.tensor([index]), 1))
        assert "\n" not in str(caught.value)


def test_where_shared_memory_is_short_there_are_fewer_readers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load(folder).fetch(ORDER)
    split = streamed(folder, monkeypatch, 2)
    monkeypatch.setattr(prefetch, "_readers_with_room", lambda batch_bytes: 0)
    assert torch.equal(gathered(split), expected)
    assert not prefetch._idle


def test_room_is_counted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 10_000

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage)
    for batch_bytes, readers in ((10_000, 0), (5000, 0), (3000, 1), (2000, 2), (1000, 4)):
        assert prefetch._readers_with_room(batch_bytes) == readers


def test_the_number_of_readers_is_asked_for_or_suits_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SCALING_SEARCH_READERS", raising=False)
    monkeypatch.delenv(prefetch.TRAININGS_AT_ONCE, raising=False)
    gpu = torch.device("cuda")
    # A machine of 64 cores; then a batch system gives 12 of them to this process.
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert prefetch.reader_count(CPU) == 1
    assert prefetch.reader_count(gpu) == prefetch.MOST_READERS
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert prefetch.reader_count(gpu) == 8
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    assert prefetch.reader_count(gpu) == 12
    monkeypatch.setenv(prefetch.TRAININGS_AT_ONCE, "4")
    assert prefetch.reader_count(gpu) == 3
    monkeypatch.setenv(prefetch.TRAININGS_AT_ONCE, "40")
    assert prefetch.reader_count(gpu) == 1
    monkeypatch.setenv("SCALING_SEARCH_READERS", "3")
    assert prefetch.reader_count(CPU) == 3
    monkeypatch.setenv("SCALING_SEARCH_READERS", "-1")
    with pytest.raises(UserError, match="SCALING_SEARCH_READERS must be a whole number"):
        prefetch.reader_count(CPU)


TRAINING = """
import os, signal, sys
from pathlib import Path
import torch
from scaling_search.data import prepare
from scaling_search.data.load import load_split
from scaling_search.data.prefetch import read_ahead
from scaling_search.data.request import DataRequest

if __name__ == "__main__":
    prepare.RESIDENT_BYTES = 1000
    split = load_split(DataRequest("imagefolder", root=sys.argv[1]), "train", 12)
    batches = split.batches(torch.arange(16), 2)
    next(batches)
    ahead = batches.gi_frame.f_locals["image_batches"].gi_frame.f_locals["ahead"]
    print(*(worker.pid for worker in ahead._loader._iterator._workers), flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("the training fails")
"""


@pytest.mark.parametrize(("end", "status"), [("killed", -signal.SIGKILL), ("failed", 1)])
def test_readers_do_not_outlive_a_training_that_dies(
    folder: Path, tmp_path: Path, end: str, status: int
) -> None:
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    done = subprocess.run(
        [sys.executable, str(script), str(folder), end],
        env={**os.environ, "SCALING_SEARCH_READERS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    pids = [int(word) for word in done.stdout.split()]
    assert (done.returncode, len(pids)) == (status, 2)
    assert until(lambda: all(map(gone, pids)))


SCRIPT = """
from scaling_search.data.prefetch import _context

if __name__ == "__main__":
    child = _context().Process(target=print, args=("heard",))
    child.start()
    child.join()
"""


def test_readers_start_beside_a_users_files(tmp_path: Path) -> None:
    for name in ("queue", "typing", "random", "selectors", "socket", "signal"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the user has a {name}')\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "elsewhere/script.py"],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if name != "PYTHONSAFEPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("heard\n", "")


def test_where_no_reader_can_start_the_process_reads_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [torch.arange(2), torch.arange(3)]

    def read(indices: torch.Tensor) -> torch.Tensor:  # a reader could not be sent it
        return indices.to(torch.uint8)

    def everything() -> list[list[int]]:
        return [batch.tolist() for batch in read_ahead(read, batches, 2, image_bytes=1, pin=False)]

    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["__main__"], "__file__", "<stdin>", raising=False)
        assert everything() == [[0, 1], [0, 1, 2]]
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.tempdir", "/" + "x" * 75)  # 76 + 32 bytes are one too many
        assert everything() == [[0, 1], [0, 1, 2]]
        patched.setattr("tempfile.tempdir", "/" + "x" * 74)
        assert prefetch._can_start()
