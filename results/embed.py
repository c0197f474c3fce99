"""Put the committed tables into README.md, between the markers that name their files.

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
    """Rewrite or check README.md; return the exit status."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    if "--check" in sys.argv:
        return int(embedded(text) != text)
    readme.write_text(embedded(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
