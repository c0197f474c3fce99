"""The committed benchmark results as one table: results/benchmarks/*.json to its README.md.

`python benchmarks/table.py` writes it; the JSON files are what the scripts print with --json. Where
that was not on a quiet machine, a file is `{"note": "…", "claims": […]}` and the table says so.
"""

from __future__ import annotations

import json
from pathlib import Path

from claim import Claim
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically

FOLDER = Path(__file__).resolve().parent.parent / "results" / "benchmarks"
HEADS = ("script", "claim", "peer", "ratio [95 %]", "n", "goal", "reached")


def table() -> str:
    """The README: every claim, reached or not, and the environment."""
    rows = [_row(path.stem, claim) for path in _results() for claim in _claims(path)]
    environment = json.loads((FOLDER / "environment.json").read_text(encoding="utf-8"))
    facts = ", ".join(f"{name} {value}" for name, value in environment.items())
    notes = "".join(f"\n\n`{path.stem}`: {note}" for path in _results() if (note := _note(path)))
    body = tabulate(rows, HEADS, tablefmt="pipe", disable_numparse=True)
    return (
        "# Benchmarks\n\nWhat the scripts of `benchmarks/` printed with `--json`, on one quiet "
        f"machine; how a number is admitted is said there.\n\n{body}{notes}\n\n"
        f"Obtained with: {facts}. The commit of each is in the history of its file.\n"
    )


def _results() -> list[Path]:
    return [p for p in sorted(FOLDER.glob("*.json")) if p.stem != "environment"]


def _claims(path: Path) -> list[Claim]:
    content = json.loads(path.read_text(encoding="utf-8"))
    content = content.get("claims", [content]) if isinstance(content, dict) else content
    return [Claim(**values) for values in content]


def _note(path: Path) -> str:
    content = json.loads(path.read_text(encoding="utf-8"))
    return str(content.get("note", "")) if isinstance(content, dict) else ""


def _row(script: str, claim: Claim) -> list[str]:
    ratio = f"{claim.ratio:.4g} [{claim.low:.4g}, {claim.high:.4g}]"
    reached = "yes" if claim.reached else "no"
    goal = f"{claim.goal:g}"
    return [f"`{script}`", claim.claim, claim.peer, ratio, str(claim.n), goal, reached]


if __name__ == "__main__":
    write_atomically(FOLDER / "README.md", table())
