"""The ledger: one line per result, whatever happens to the disk or beside it."""

from __future__ import annotations

import codecs
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.request import DataRequest
from scaling_search.jobs import ledger_records as module
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.ledger_format import ledger_line
from scaling_search.jobs.result import Diverged
from tests.full_disk import no_file_grows_beyond
from tests.jobs.small import FINISHED, JOB, job
from tests.trainings import finished

WHERE = {"device": "a machine"}
THREE = [job(seed=seed) for seed in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with the results of three jobs."""
    path = tmp_path / "run" / "ledger.jsonl"
    with Ledger(path) as ledger:
        for each in THREE:
            assert ledger.accept(each, FINISHED, WHERE)
    return path


def known_jobs(path: Path) -> tuple[list[bool], list[str]]:
    """Which of the three jobs have a result, and what was found damaged."""
    with Ledger(path) as ledger:
        return [ledger.get(each) == FINISHED for each in THREE], ledger.notes


def test_results_are_there_when_it_is_opened_again(path: Path) -> None:
    assert known_jobs(path) == ([True] * 3, [])
    with Ledger(path) as ledger:
        assert len(ledger) == 3
        assert ledger.get(job(seed=3)) is None


def test_a_record_says_what_where_and_when(path: Path) -> None:
    with Ledger(path) as ledger:
        first = next(ledger.records())
    assert first["job"]["seed"] == 0
    assert first["result"]["kind"] == "finished"
    assert first["where"] == WHERE
    assert first["at"].endswith("+00:00")
    with Ledger(path) as ledger:
        assert ledger.where(JOB) == WHERE
        assert ledger.where(job(seed=3)) == {}


def test_the_first_result_of_a_job_wins(path: Path) -> None:
    before = path.read_bytes()
    with Ledger(path) as ledger:
        assert not ledger.accept(JOB, Diverged("later"), WHERE)
        assert ledger.get(JOB) == FINISHED
    assert path.read_bytes() == before


def test_of_two_lines_with_one_job_the_first_counts(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    with Ledger(path.with_name("other.jsonl")) as other:
        other.accept(JOB, Diverged("later"), WHERE)
    path.write_bytes(b"".join(lines) + path.with_name("other.jsonl").read_bytes())
    assert known_jobs(path) == ([True] * 3, [])


def test_where_the_images_lie_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    request = DataRequest("fashion-mnist", root="/home/someone/images", download=True)
    with Ledger(path) as ledger:
        ledger.accept(job(data=request), FINISHED, WHERE)
    assert b"someone" not in path.read_bytes()


@pytest.mark.parametrize("lost", [2, 3, 500])
def test_a_torn_last_line_is_dropped_and_said(path: Path, lost: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-lost])
    results, notes = known_jobs(path)
    assert results == [True, True, False]
    assert notes == ["ledger.jsonl: dropped a torn last line; its job will run again"]
    assert path.read_bytes() == b"".join(content.splitlines(keepends=True)[:2])


def test_a_last_line_that_lost_its_end_alone_is_kept(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert [Ledger.snapshot(path).get(each) for each in THREE] == [FINISHED] * 3
    assert known_jobs(path) == ([True] * 3, [])
    assert path.read_bytes() == content


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("after", [b"", b"\r\n", b"\n\n"])
def test_what_an_editor_does_to_a_file_does_no_harm(
    path: Path, mark: bytes, end: bytes, after: bytes
) -> None:
    path.write_bytes(mark + path.read_bytes().replace(b"\n", end) + after)
    assert known_jobs(path) == ([True] * 3, [])
    with Ledger(path) as ledger:
        assert ledger.accept(job(seed=3), FINISHED, WHERE)
    with Ledger(path) as ledger:
        assert ledger.get(job(seed=3)) == FINISHED
        assert (len(ledger), ledger.notes) == (4, [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_in_one_line_and_left_as_it_is(path: Path, encoding: str) -> None:
    content = path.read_text().encode(encoding)
    mark = b"" if encoding == "utf-16" else codecs.BOM_UTF16_BE
    path.write_bytes(mark + content)
    for _ in range(2):  # the first let the ledger go
        with pytest.raises(UserError, match="must be UTF-8 text, got UTF-16 in"):
            known_jobs(path)
    assert path.read_bytes() == mark + content


@pytest.mark.parametrize("line_end", [b"\r", b" "])
def test_without_line_ends_it_is_refused_in_one_line_and_left_as_it_is(
    path: Path, line_end: bytes
) -> None:
    content = path.read_bytes().replace(b"\n", line_end)
    path.write_bytes(content)
    with pytest.raises(UserError, match="a line for each result, got 3 in line 1 of") as refused:
        known_jobs(path)
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_refused_and_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "ledger.jsonl")
    for read in (known_jobs, Ledger.snapshot):
        with pytest.raises(UserError, match="a ledger must be a plain file"):
            read(tmp_path / "ledger.jsonl")


def test_two_directories_that_share_a_ledger_by_a_link_have_one_writer(path: Path) -> None:
    other = path.parent.with_name("other") / path.name
    other.parent.mkdir()
    other.symlink_to(path)
    with Ledger(path), pytest.raises(UserError, match="one run writes a directory at a time"):
        known_jobs(other)
    assert known_jobs(other) == ([True] * 3, [])


def test_where_nothing_can_be_locked_the_way_out_of_a_lock_that_is_left_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", unknown)
    held = path.with_name(".ledger.jsonl.held")
    with Ledger(path), pytest.raises(UserError, match=f"if none does, take {held} away"):
        known_jobs(path)
    assert known_jobs(path) == ([True] * 3, [])


def test_after_a_torn_line_the_next_result_is_whole(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])
    with Ledger(path) as ledger:
        assert ledger.accept(THREE[2], FINISHED, WHERE)
    assert known_jobs(path) == ([True] * 3, [])


@pytest.mark.parametrize("garbage", [b"\x00", b"\r", b"\xff", b"}"])
def test_a_garbled_line_is_named_and_the_later_ones_kept(path: Path, garbage: bytes) -> None:
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:100] + garbage + second[101:] + third)
    results, notes = known_jobs(path)
    assert results == [True, False, True]
    assert notes == ["ledger.jsonl: line 2 is garbled; its job will run again if needed"]


def test_a_flipped_bit_anywhere_in_a_line_garbles_it(path: Path) -> None:
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for position in (3, 12, 25, 32, 40, 55, 60, len(second) // 2, len(second) - 2):
        flipped = bytearray(second)
        flipped[position] ^= 1
        path.write_bytes(first + bytes(flipped) + third)
        results, notes = known_jobs(path)
        assert results == [True, False, True]
        assert notes == ["ledger.jsonl: line 2 is garbled; its job will run again if needed"]


def test_a_new_ledger_and_its_folder_outlast_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    path = tmp_path / "runs" / "new" / "ledger.jsonl"
    with Ledger(path) as ledger:
        assert flushed == [tmp_path, tmp_path / "runs", path.parent]
        ledger.accept(JOB, FINISHED, WHERE)
    assert flushed[3:] == [path]


def test_a_garbled_job_can_be_accepted_again(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2])
    with Ledger(path) as ledger:
        assert ledger.accept(THREE[1], FINISHED, WHERE)
    results, notes = known_jobs(path)
    assert results == [True] * 3
    assert len(notes) == 1


HOLD = """
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from scaling_search.jobs.ledger import Ledger
from tests.jobs.small import FINISHED, job
with Ledger(Path(sys.argv[1])) as ledger:
    print("held", flush=True)
    sys.stdin.readline()
    ledger.accept(job(seed=2), FINISHED, {})
    print("accepted", flush=True)
    sys.stdin.readline()
"""


def test_a_second_holder_is_refused_the_first_unharmed_and_a_killed_one_lets_go(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd=Path(__file__).parents[2],
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="which another run holds") as refused, Ledger(path):
            pass
        assert "\n" not in str(refused.value)
        first.stdin.write(b"go on\n")
        assert first.stdout.readline() == b"accepted\n"
        first.kill()
    assert known_jobs(path) == ([True] * 3, [])


def test_a_full_disk_leaves_it_as_it_was_and_it_goes_on(path: Path) -> None:
    before = path.read_bytes()
    with Ledger(path) as ledger:
        # Twice: the line is cut short in its middle, as it is on a disk that fills up.
        for _ in range(2):
            with no_file_grows_beyond(len(before) + 100), pytest.raises(OSError, match="too large"):
                ledger.accept(job(seed=3), FINISHED, WHERE)
            assert path.read_bytes() == before
            assert ledger.get(job(seed=3)) is None
        assert ledger.accept(job(seed=4), FINISHED, WHERE)
        assert ledger.accept(job(seed=3), FINISHED, WHERE)
    assert path.read_bytes().startswith(before)
    with Ledger(path) as ledger:
        assert (len(ledger), ledger.notes) == (5, [])


def test_a_failed_flush_to_disk_leaves_it_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = path.read_bytes()
    with Ledger(path) as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                ledger.accept(job(seed=3), FINISHED, WHERE)
        assert path.read_bytes() == before
        assert ledger.accept(job(seed=3), FINISHED, WHERE)


def test_a_hundred_thousand_lines_open_without_being_parsed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with path.open("ab") as file:
        for number in range(100_000):
            file.write(ledger_line(f"{number:016x}", b"{}"))

    def parsed(_: bytes) -> None:
        raise AssertionError("parsed")

    with monkeypatch.context() as patch:
        patch.setattr(module, "json", SimpleNamespace(loads=parsed))
        with Ledger(path) as ledger:
            assert (len(ledger), ledger.notes) == (100_003, [])
    assert known_jobs(path) == ([True] * 3, [])


@pytest.mark.parametrize("below", ["ledger.jsonl", "deep/er/ledger.jsonl"])
def test_a_directory_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, below: str
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    rule = "the run directory must be writable, got .*: choose another --out$"
    with pytest.raises(UserError, match=rule), Ledger(blocked / below):
        pass
    assert blocked.read_text() == "not a directory"


def test_a_result_that_is_not_json_is_refused_before_anything_is_written(path: Path) -> None:
    before = path.read_bytes()
    with Ledger(path) as ledger, pytest.raises(ValueError, match="not JSON compliant"):
        ledger.accept(job(seed=3), finished(float("nan")), WHERE)
    assert path.read_bytes() == before


def test_at_a_glance_it_is_read_beside_its_writer_and_left_as_it_is(path: Path) -> None:
    with Ledger(path):
        before = path.read_bytes() + b'{"hash": "in the writing'
        path.write_bytes(before)
        snapshot = Ledger.snapshot(path)
        assert [snapshot.get(each) == FINISHED for each in THREE] == [True] * 3
        assert path.read_bytes() == before


def test_at_a_glance_a_missing_ledger_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Ledger.snapshot(tmp_path / "ledger.jsonl")
    assert list(tmp_path.iterdir()) == []
