"""Files that are whole or not there, on file systems that can do less than a disk's."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from scaling_search.core.atomic_files import write_atomically
from scaling_search.jobs.ledger import Ledger
from tests.jobs.small import FINISHED, JOB


def refuse_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let every flush of a folder fail so, as on an old CIFS; files are flushed as ever."""
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_where_folders_cannot_be_flushed_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_folders(monkeypatch, number)
    path = write_atomically(tmp_path / "new" / "file", b"content")
    assert path.read_bytes() == b"content"
    with Ledger(tmp_path / "run" / "ledger.jsonl") as ledger:
        ledger.accept(JOB, FINISHED, {})
    with Ledger(tmp_path / "run" / "ledger.jsonl") as ledger:
        assert ledger.get(JOB) == FINISHED


def test_a_disk_that_fails_is_no_such_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_folders(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_atomically(tmp_path / "file", b"content")
