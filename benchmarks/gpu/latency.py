"""Latency of the published networks by the project's own profiler, a row a network and regime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, equal
from scaling_search.arch import zoo
from scaling_search.latency.job import Machine, Regime, TimeBudget
from scaling_search.latency.process_runner import machine_of
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Latency


def latency_part(card: Card, out: Path, batch: int) -> Iterator[Check]:
    """Every regime of this batch, one process and one attempt each; rows are kept as they come."""
    networks = [zoo.get(name) for name in card.sizes.timed]
    device = card.device.type
    place = Machine(device, machine_of(device))
    # Enough for an order, not for a narrow interval: rows say how wide it is.
    budget = TimeBudget(card.sizes.timed_seconds, processes=1, attempts=1)
    for precision, mode in card.sizes.regimes[batch]:
        regime = Regime("inference", batch, precision, mode=mode)
        rows = profile(networks, [regime], budget, place=place).timings
        with (out / f"latency-batch-{batch}.jsonl").open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({"machine": place.machine, **asdict(row)}) + "\n")
        timed = [row for row in rows if isinstance(row, Latency)]
        flags = sorted({flag.reason for row in timed for flag in row.flags})
        yield equal("latency", f"{regime.words}: networks timed", len(timed), len(networks))
        if card.sizes.alone:
            yield equal("latency", f"{regime.words}: foreign load", "foreign load" in flags, False)
