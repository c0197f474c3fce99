"""Whether a report is still what would be drawn: of the same inputs, by the same code, unedited."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from scaling_search.jobs.retry import code_digest

_TEMPLATES = Path(__file__).parent / "templates"
_LIBRARIES = ("jinja2", "matplotlib", "numpy", "pandas", "scipy", "tabulate")  # beside torch
_MARK = "<!-- drawn from "


def source_digest(inputs: Iterable[bytes]) -> str:
    """64 hexadecimal digits of all that is drawn from, and of the code that draws it."""
    digest = hashlib.sha256(code_digest().encode())
    libraries = (version(library).encode() for library in _LIBRARIES)
    templates = (path.read_bytes() for path in sorted(_TEMPLATES.iterdir()) if path.is_file())
    for text in (*libraries, *templates, *inputs):
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.hexdigest()


def marked_page(page: str, source: str, files: Sequence[str], out: Path) -> str:
    """The page, ended by a line that says what it and these files in `out` were drawn from."""
    page = f"{page.rstrip()}\n"
    content = _content(page.encode(), files, out)
    return f"{page}{_MARK}{source}, as {content}: {' '.join(files)} -->\n"


def unedited_files(page: Path, source: str) -> tuple[str, ...] | None:
    """The files that were drawn with a page from this source, as paths in its folder.

    None where the page was drawn from another one, or where it or one of the files is gone or has
    been edited since.
    """
    try:
        text, mark, line = page.read_bytes().rpartition(_MARK.encode())
        drawn_from, _, names = line.decode().removesuffix(" -->\n").partition(": ")
        files = tuple(names.split())
        now = f"{source}, as {_content(text, files, page.parent)}"
    except (OSError, UnicodeDecodeError):
        return None
    return files if mark and drawn_from == now else None


def _content(page: bytes, files: Iterable[str], out: Path) -> str:
    """64 hexadecimal digits of a page and its files; raises OSError where one can't be read."""
    digest = hashlib.sha256(page)
    for name in files:
        digest.update(hashlib.sha256((out / name).read_bytes()).digest())
    return digest.hexdigest()
