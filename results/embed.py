"""Put the committed tables into README.md and docs/, between the markers that name their files.

`python results/embed.py` rewrites the blocks from `<!-- results/….md -->` to `<!-- end -->`; with
`--check` it changes nothing and exits 1 when a block differs from its file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- (results/[\w/.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def embedded(text: str) -> str:
    """The text with every block filled from the file that it names."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{(ROOT / m[2]).read_text()}\n{m[3]}", text)


def main() -> int:
    """Rewrite or check the pages; return the exit status."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if "--check" in sys.argv:
        return int(any(embedded(page.read_text()) != page.read_text() for page in pages))
    for page in pages:
        page.write_text(embedded(page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
