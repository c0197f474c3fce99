"""Whether a page says and shows something already, as the code of today draws it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import matplotlib as mpl

_PACKAGE = Path(__file__).parent.parent
_FLOORS = ("report", "compare", "core")  # whose code draws
_TAIL_BYTES = 200


def source_of(words: str) -> str:
    """64 hexadecimal digits of what a page says and of all that draws it.

    `words` is the page without its pictures: they are drawn of numbers that it holds as well.
    """
    digest = hashlib.sha256(words.encode())
    digest.update(str(mpl.__version__).encode())
    for floor in _FLOORS:
        for path in sorted((_PACKAGE / floor).rglob("*")):
            if path.suffix in (".py", ".js", ".css", ".html", ".jinja"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def mark(source: str) -> str:
    """The last line of a page that was drawn of this."""
    return f"<!-- drawn from {source} -->\n"


def shows(page: Path, source: str) -> bool:
    """Whether the page's last line says that it was drawn of this."""
    try:
        with page.open("rb") as file:
            file.seek(-min(_TAIL_BYTES, page.stat().st_size), 2)
            return file.read().endswith(mark(source).encode())
    except OSError:
        return False
