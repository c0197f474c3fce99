"""Hostile and damaged archives, made for real: refused in one line, nothing written."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypedDict

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.archive import unpack


class Limits(TypedDict):
    max_bytes: int
    max_files: int


LIMITS: Limits = {"max_bytes": 1_000_000, "max_files": 100}
Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"x", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(path: Path, *members: Member, mode: Literal["w", "w:gz"] = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:
        for info, content in members:
            file.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return path


def zipped(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files:
            file.writestr(name, content)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o644) << 16
    return info


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return member(name, b"", type=kind, linkname=to)


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def noise(count: int) -> bytes:
    return bytes((i * i * 7919 >> 3) & 255 for i in range(count))


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tar, parent": (lambda p: tar(p, member("a/../../out")), "leads elsewhere"),
    "tar, absolute": (lambda p: tar(p, member("/tmp/scaling-search-out")), "leads elsewhere"),
    "tar, folder": (lambda p: tar(p, member("../out", b"", type=tarfile.DIRTYPE)), "elsewhere"),
    "tar, symlink": (lambda p: tar(p, link("a", "/etc"), member("a/x")), "'a', which is no plain"),
    "tar, safe symlink": (lambda p: tar(p, member("b"), link("a", "b")), "'a', which is no plain"),
    "tar, hard link": (lambda p: tar(p, link("a", "../x", tarfile.LNKTYPE)), "no plain file"),
    "tar, device": (lambda p: tar(p, member("n", b"", type=tarfile.CHRTYPE)), "no plain file"),
    "tar, fifo": (lambda p: tar(p, member("n", b"", type=tarfile.FIFOTYPE)), "no plain file"),
    "tar, twice": (lambda p: tar(p, member("a/b"), member("a/b")), "two entries for 'b'"),
    "tar, bomb": (lambda p: tar(p, member("a", bytes(50_000_000))), "more than 1,000,000 bytes"),
    "tar, many bombs": (
        lambda p: tar(p, *(member(f"{i}", bytes(200_000)) for i in range(9))),
        "more than 1,000,000 bytes",
    ),
    "tar, many files": (
        lambda p: tar(p, *(member(f"{i}", b"") for i in range(1000))),
        "more than 100 files",
    ),
    "tar, giant name": (lambda p: tar(p, member("n" * 3_000_000)), "a header of more than"),
    "tar, truncated": (
        lambda p: truncated(tar(p, member("a", noise(90_000)), member("b", noise(90_000)))),
        "damage",
    ),
    "plain tar, truncated": (
        lambda p: truncated(tar(p, member("a", noise(90_000)), mode="w")),
        "damage",
    ),
    "no archive": (lambda p: written(p, noise(5000)), "damage"),
    "empty": (lambda p: written(p, b""), "damage"),
    "zip, parent": (lambda p: zipped(p, ("a/../../out", b"x")), "leads elsewhere"),
    "zip, absolute": (lambda p: zipped(p, ("/tmp/out", b"x")), "leads elsewhere"),
    "zip, backslash": (lambda p: zipped(p, ("..\\out", b"x")), "leads elsewhere"),
    "zip, drive": (lambda p: zipped(p, ("C:/out", b"x")), "leads elsewhere"),
    "zip, symlink": (lambda p: zipped(p, (special("a", stat.S_IFLNK), b"/etc")), "no plain file"),
    "zip, device": (lambda p: zipped(p, (special("a", stat.S_IFCHR), b"")), "no plain file"),
    "zip, bomb": (lambda p: zipped(p, ("a", bytes(50_000_000))), "more than 1,000,000 bytes"),
    "zip, many files": (
        lambda p: zipped(p, *((f"{i}", b"") for i in range(1000))),
        "more than 100 files",
    ),
    "zip, truncated": (lambda p: truncated(zipped(p, ("a", noise(90_000)))), "damage"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    make, said = HOSTILE[name]
    path = make(tmp_path / "images")
    with pytest.raises(UserError, match=said) as caught:
        unpack(path, tmp_path / "inner" / "into", **LIMITS)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["images", "inner"]


def test_a_zip_whose_headers_lie_is_stopped_by_what_comes_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "images.zip", ("a", bytes(5_000_000)))
    size = (5_000_000).to_bytes(4, "little")
    assert path.read_bytes().count(size) >= 2
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(UserError, match="damage"):  # ten bytes come out, of another checksum
        unpack(path, tmp_path / "into", **LIMITS)
    assert [each.name for each in tmp_path.iterdir()] == ["images.zip"]


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "images.zip", ("a", b"secret"))
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag in the file's header …
    content[content.index(b"PK\1\2") + 8] |= 1  # … and in the directory
    path.write_bytes(content)
    with pytest.raises(UserError, match="password"):
        unpack(path, tmp_path / "into", **LIMITS)
    assert [each.name for each in tmp_path.iterdir()] == ["images.zip"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "zip"])
def test_an_archive_becomes_a_folder_of_plain_files(
    tmp_path: Path, mode: Literal["w", "w:gz", "zip"]
) -> None:
    files = {"set/train/cat/é.png": noise(3000), "set/test.txt": b"", "set/x/y": b"y"}
    path = tmp_path / "images"
    if mode == "zip":
        zipped(path, ("set/train/", b""), *files.items())
    else:
        folder = member("set/train", b"", type=tarfile.DIRTYPE, mode=0o000)
        members = (member(name, content, mode=0o6777) for name, content in files.items())
        tar(path, folder, *members, mode=mode)
    into = unpack(path, tmp_path / "new" / "into", folder="set", **LIMITS)
    found = {each.relative_to(into): each for each in into.rglob("*") if each.is_file()}
    assert {f"set/{name}": each.read_bytes() for name, each in found.items()} == files
    assert not any(each.stat().st_mode & 0o7111 for each in found.values())
    assert [each.name for each in into.parent.iterdir()] == ["into"]


def test_a_limit_may_be_met_exactly(tmp_path: Path) -> None:
    path = tar(tmp_path / "images", member("a", b"12345"), member("b", b"12345"))
    unpack(path, tmp_path / "into", max_bytes=10, max_files=2)
    for limits in (Limits(max_bytes=9, max_files=2), Limits(max_bytes=10, max_files=1)):
        with pytest.raises(UserError, match="more than"):
            unpack(path, tmp_path / "other", **limits)


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    path = tar(tmp_path / "images", member("a"))
    with pytest.raises(UserError, match="into a new folder"):
        unpack(path, tmp_path / "into", **LIMITS)
    with pytest.raises(UserError, match="no folder 'set'"):
        unpack(path, tmp_path / "other", folder="set", **LIMITS)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["images", "into"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_when_the_disk_is_full_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r") -> object:
        return opened(Path("/dev/full"), "wb") if mode == "xb" else opened(path, mode)

    path = tar(tmp_path / "images", member("a", noise(90_000)))
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UserError, match="No space left"):
        unpack(path, tmp_path / "into", **LIMITS)
    assert [each.name for each in tmp_path.iterdir()] == ["images"]
