"""A process that does one part: each check goes to a file as soon as it is there.

`python -m gpu.child PART FOLDER [--rehearse]` is started by `gpu_check.py`, which also ends it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from gpu.card import Card, Gpu
from gpu.parts import part_named
from gpu.stand_in import StandIn

CHECKS = "checks.jsonl"


def do(name: str, folder: Path, card: Card) -> None:
    """Do the part of this name; its checks are added to the folder's."""
    for check in part_named(name).work(card, folder):
        with (folder / CHECKS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(check)) + "\n")
        print(f"{check.part}: {check.name}: {check.seen} (expected {check.expected})", flush=True)


def main() -> None:
    """Do what the command line says."""
    name, folder, *rest = sys.argv[1:]
    do(name, Path(folder), StandIn() if "--rehearse" in rest else Gpu())


if __name__ == "__main__":
    main()
