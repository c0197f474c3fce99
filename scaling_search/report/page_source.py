"""Whether a report shows something already, as the code of today draws it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_FLOORS = ("report", "compare", "core")  # whose code draws
_TAIL_BYTES = 4000


def source_digest(texts: Iterable[str]) -> str:
    """64 hexadecimal digits of texts that hold all that is drawn, and of the code that draws it."""
    digest = hashlib.sha256(version("matplotlib").encode())
    for text in texts:
        digest.update(text.encode())
    for floor in _FLOORS:
        for path in sorted((_PACKAGE / floor).rglob("*")):
            if path.suffix in (".py", ".js", ".css", ".html", ".jinja"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def source_mark(source: str, pictures: Sequence[str]) -> str:
    """The last line of a page that was drawn of this, with the names of its pictures."""
    return f"{_mark_begin(source)}{' '.join(pictures)} -->\n"


def pictures_of_page(page: Path, source: str) -> tuple[str, ...] | None:
    """The pictures' names of a page that was drawn of this; None if it is another or none."""
    try:
        with page.open("rb") as file:
            file.seek(-min(_TAIL_BYTES, page.stat().st_size), 2)
            tail = file.read().decode("utf-8", errors="replace")
    except OSError:
        return None
    _, mark, names = tail.rpartition(_mark_begin(source))
    return tuple(names.removesuffix(" -->\n").split()) if mark else None


def _mark_begin(source: str) -> str:
    return f"<!-- drawn from {source}: "
