"""Locks on file systems with locks and without."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from scaling_search.core.file_lock import file_lock, has_locks

HELD = """
import errno, fcntl, sys, time
from pathlib import Path
from scaling_search.core.file_lock import file_lock

def flock(*_):
    raise OSError(int(sys.argv[2]), "none here")

if sys.argv[2] != "0":
    fcntl.flock = flock
with file_lock(Path(sys.argv[1]), waits=False):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("refusal", [0, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_one_process_holds_it_and_a_killed_one_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    path = tmp_path / ".ledger.lock"
    path.touch()  # as a copy of a directory has it

    def refused(*_: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    if refusal:
        monkeypatch.setattr("fcntl.flock", refused)
    assert has_locks(tmp_path) == (refusal == 0)
    holder = subprocess.Popen(
        [sys.executable, "-c", HELD, str(path), str(refusal)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(filelock.Timeout), file_lock(path, waits=False):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with file_lock(path, waits=False) as lock:
        assert lock.is_locked


def test_other_errors_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", broken)
    with pytest.raises(OSError, match="Input/output error"):
        has_locks(tmp_path)
