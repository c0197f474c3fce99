"""The product itself on the device: a search, its comparison, timing and report, by the program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, at_least, equal
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.jobs.ledger import Ledger
from scaling_search.latency.result import Latency

HERE = Path(__file__).parent
REHEARSED = HERE / "rehearsal.toml"


def product_part(card: Card, out: Path) -> Iterator[Check]:
    """The run's status, what its ledger holds, and what is flagged of its timing."""
    run = out / "run"
    words = card.sizes.product or (str(REHEARSED),)
    command = [sys.executable, "-m", "scaling_search", "run", *words, "--device", card.device.type]
    command += ["--out", str(run), "--workers", str(card.sizes.product_workers)]
    done = subprocess.run([*command, "--job-timeout", "60"], check=False)
    for large in ("checkpoints", "logs"):  # the rest of the run is what is committed
        shutil.rmtree(run / large, ignore_errors=True)
    yield equal("product", "exit status of the run", done.returncode, 0)
    with Ledger(run / "ledger.jsonl") as ledger:
        trainings = [each for each in ledger.records() if each["kind"] == "training"]
        timings = [each for timed in ledger.timings() for each in timed.timings]
    kinds = Counter(str(each["result"]["kind"]) for each in trainings)
    flags = Counter(f.reason for t in timings if isinstance(t, Latency) for f in t.flags)
    write_atomically(out / "product.json", as_json({"trainings": kinds, "flags": flags}))
    others = {kind: count for kind, count in kinds.items() if kind != "finished"}
    yield equal("product", "trainings that did not finish", others, {})
    yield at_least("product", "trainings that finished", kinds["finished"], 1)
    if card.sizes.alone:
        yield equal("product", "timings with foreign load", flags["foreign load"], 0)
    yield equal("product", "a report", (run / "report.html").exists(), True)
