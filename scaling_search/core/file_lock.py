"""A lock that one process holds at a time, on file systems with locks and without."""

from __future__ import annotations

import errno
import fcntl
import tempfile
from pathlib import Path

import filelock

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""What file systems say that lock no files: Lustre and NFS as some are mounted, some of FUSE."""


def file_lock(path: Path, *, waits: bool = True) -> filelock.BaseFileLock:
    """The lock of this file, whose folder is there; entering it raises filelock.Timeout or waits.

    The system drops it when its holder is killed. Where it has no locks, a file beside that names
    its holder stands for one: of a process of this machine that is gone it is taken over, of one of
    another machine it must be taken away. Raises OSError where the folder can't be written.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from scaling_search.core.file_lock import file_lock
        >>> with file_lock(Path(tempfile.mkdtemp(), ".lock")) as lock:
        ...     lock.is_locked
        True
    """
    if has_locks(path.parent):
        return filelock.FileLock(path, blocking=waits)
    return filelock.SoftFileLock(path.with_suffix(".held"), blocking=waits)


def has_locks(folder: Path) -> bool:
    """Whether files of a folder can be locked; raises OSError where it can't be written."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return False
            raise
    return True
