"""Archives from elsewhere: unpacked whole into a fresh folder, or not at all.

Plain files and folders alone are taken, each under the folder by a relative name; a link, a device
or a name that leads elsewhere ends it. What is counted against the limits is what is written, not
what the headers promise.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from scaling_search.core.errors import UserError

READ_BYTES = 1 << 20
HEADER_BYTES = 1 << 20  # of one file in a tar: names and attributes take a few hundred
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
REFUSED = (OSError, ValueError, RuntimeError)  # the disk's, a bad header's, zipfile's own


def unpack(archive: Path, into: Path, *, max_bytes: int, max_files: int, folder: str = "") -> Path:
    """Unpack a .tar, .tar.gz or .zip into the new folder `into`.

    `folder` names the one folder of the archive that becomes `into`. All is written beside, and
    renamed at the end. Raises UserError, naming the archive, when it is hostile, damaged or over a
    limit, or when `into` is there already; nothing is left then.

    Examples:
        >>> import tempfile, zipfile
        >>> from pathlib import Path
        >>> from scaling_search.data.archive import unpack
        >>> here = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(here / "flowers.zip", "w") as archive:
        ...     archive.writestr("flowers/train/rose/1.txt", "a rose")
        >>> limits = {"max_bytes": 1_000_000, "max_files": 10}
        >>> folder = unpack(here / "flowers.zip", here / "mine", folder="flowers", **limits)
        >>> (folder / "train" / "rose" / "1.txt").read_text()
        'a rose'
    """
    if into.exists():
        raise UserError(f"{archive} is unpacked into a new folder, got {into}: take it away first")
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=".part", dir=into.parent))
    try:
        _write_all(archive, _TargetFolder(archive, fresh, max_bytes, max_files))
        unpacked = fresh / folder
        if not unpacked.is_dir():
            raise _refused(archive, f"no folder {folder!r}")
        fresh.chmod(0o755)
        unpacked.replace(into)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return into


@dataclass
class _TargetFolder:
    """The fresh folder, and how much may still be written into it."""

    archive: Path
    folder: Path
    max_bytes: int
    max_files: int
    written_bytes: int = 0
    entries: int = 0

    def add_folder(self, name: str) -> None:
        """Count the folder and make it."""
        self._place(name).mkdir(parents=True, exist_ok=True)

    def add_file(self, name: str, content: IO[bytes]) -> None:
        """Count the file and what it holds, and write it; no file is written twice."""
        path = self._place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while chunk := content.read(READ_BYTES):
                self.written_bytes += len(chunk)
                if self.written_bytes > self.max_bytes:
                    raise _refused(self.archive, f"more than {self.max_bytes:,} bytes")
                file.write(chunk)

    def _place(self, name: str) -> Path:
        self.entries += 1
        if self.entries > self.max_files:
            raise _refused(self.archive, f"more than {self.max_files:,} files")
        path = PurePosixPath(name)
        odd = path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0")
        if odd:
            raise _refused(self.archive, f"the name {name!r}, which leads elsewhere")
        return self.folder / path


def _write_all(archive: Path, target: _TargetFolder) -> None:
    try:
        if zipfile.is_zipfile(archive):
            _write_zip(archive, target)
        else:
            _write_tar(archive, target)
    except UserError:
        raise
    except FileExistsError as error:
        raise _refused(archive, f"two entries for {Path(error.filename).name!r}") from error
    except DAMAGED as error:
        raise _refused(archive, f"damage ({_line(error)})") from error
    except REFUSED as error:
        raise UserError(
            f"{archive} must be unpacked, got {_line(error)}: mend that first"
        ) from error


def _write_zip(archive: Path, target: _TargetFolder) -> None:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                target.add_folder(info.filename)
            elif kind not in (0, stat.S_IFREG):  # 0: from a system without such kinds
                raise _refused(archive, f"{info.filename!r}, which is no plain file")
            else:
                with file.open(info) as content:
                    target.add_file(info.filename, content)


def _write_tar(archive: Path, target: _TargetFolder) -> None:
    with _opened(archive) as unpacked:
        counted = _CountingReader(archive, unpacked)
        with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|") as tar:
            for member in _members(tar, counted):
                if member.isdir():
                    target.add_folder(member.name)
                elif member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    raise _refused(archive, f"{member.name!r}, which is no plain file")
                else:
                    _check_name(member, target)
                    counted.most = None  # the target counts it
                    target.add_file(member.name, cast("IO[bytes]", tar.extractfile(member)))


def _members(tar: tarfile.TarFile, counted: _CountingReader) -> Iterator[tarfile.TarInfo]:
    """The members in turn; a header that would fill the memory is stopped."""
    while True:
        counted.most = counted.bytes + HEADER_BYTES
        member = tar.next()
        if member is None:
            return
        yield member
        tar.members.clear()  # type: ignore[attr-defined]  # kept by tarfile, a million of them


def _check_name(member: tarfile.TarInfo, target: _TargetFolder) -> None:
    try:
        tarfile.data_filter(member, str(target.folder))
    except tarfile.FilterError as error:
        raise _refused(
            target.archive, f"the name {member.name!r}, which leads elsewhere"
        ) from error


@contextmanager
def _opened(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as inner:
            yield cast("IO[bytes]", inner)


class _CountingReader:
    """A file read forwards, up to the byte `most` (None: to its end)."""

    def __init__(self, archive: Path, file: IO[bytes]) -> None:
        self._archive, self._file = archive, file
        self.bytes = 0
        self.most: int | None = HEADER_BYTES

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self.bytes += len(chunk)
        if self.most is not None and self.bytes > self.most:
            raise _refused(self._archive, f"a header of more than {HEADER_BYTES:,} bytes")
        return chunk


def _refused(archive: Path, reason: str) -> UserError:
    return UserError(
        f"{archive} must be an archive of plain files within its limits, got {reason}: "
        "fetch it again from a source that you trust"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
