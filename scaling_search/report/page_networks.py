"""The networks of a comparison as the page's script draws them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from scaling_search.compare.networks import MethodAtPhi, Networks, finished
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.page_curves import curves_by_network
from scaling_search.report.page_frames import PageFrames


class TextPieces:
    """The tables of TOML files, each text once."""

    def __init__(self) -> None:
        self.texts = list[str]()

    def indices(self, text: str) -> list[int]:
        """The indices of a text's pieces, added where they are new."""
        return [self._index(piece) for piece in text.split("\n\n")]

    def _index(self, piece: str) -> int:
        if piece not in self.texts:
            self.texts.append(piece)
        return self.texts.index(piece)


def cost_axes(frames: PageFrames, networks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The axes for which every finished network has a value."""
    source = "measured" if frames.peaks else "simulated"
    memory = ", ".join(filter(None, ("peak memory in bytes", frames.details.task, source)))
    axes = (
        ("macs", "FLOPs", "FLOPs (multiply-adds)", ""),
        ("params", "Parameters", "parameters", ""),
        ("activations", "Activations", "activations (outputs of convolutions)", ""),
        ("latency_ms", "Time", "time per image (ms)", "ms"),
        ("train_seconds", "Training time", "time of one training (s), mean over seeds", "s"),
        ("peak_bytes", "Memory", memory, "B"),
    )
    known_costs = [network["costs"] for network in networks if network["n"]]
    return [
        {"name": name, "short": short, "label": label, "unit": unit}
        for name, short, label, unit in axes
        if known_costs and all(costs[name] is not None for costs in known_costs)
    ]


def network_rows(frames: PageFrames, pieces: TextPieces) -> Iterator[dict[str, Any]]:
    """A network of the comparison, in the order of its table."""
    runs = frames.runs
    if not len(runs):
        return
    networks, curves = Networks.of(runs), curves_by_network(frames.curves, ["method", "phi"])
    for row in comparison_table(runs).numbers.to_dict("records"):
        key = (str(row["method"]), float(row["phi"]))
        group = runs[(runs["method"] == key[0]) & (runs["phi"] == key[1])]
        study = frames.details.studies.get(key)
        name = f"{key[0]}-phi{key[1]:g}"
        yield {
            "key": name,
            **{part: row[part] for part in ("method", "phi", "network", "px")},
            **{part: row[part] for part in ("depth", "width", "resolution")},
            **{part: row[part] for part in ("growth", "growth_target", "n", "not_finished")},
            "costs": _network_costs(frames, key, group),
            "top1": row["test_top1_percent"],
            "low": row["test_low_percent"],
            "high": row["test_high_percent"],
            "sd": networks.interval(key).sd if row["n"] else None,
            "validation": row["validation_top1_percent"],
            "trainings": _trainings(group),
            "curves": curves.get(key),
            "file": None if study is None else f"{tomllib.loads(study)['name']}.toml",
            "study": None if study is None else pieces.indices(study),
        }


def _network_costs(frames: PageFrames, key: MethodAtPhi, group: pd.DataFrame) -> dict[str, Any]:
    first, finished_rows = group.iloc[0], finished(group)
    latency, fingerprint = frames.latency, str(first["fingerprint"])
    timed = None
    if latency is not None:
        timed = latency[(latency["method"] == key[0]) & (latency["phi"] == key[1])]
    has_time = timed is not None and len(timed) > 0
    return {
        **{name: int(first[name]) for name in ("macs", "params", "activations")},
        "latency_ms": timed.iloc[0]["latency_ms"] if timed is not None and has_time else None,
        "train_seconds": finished_rows["train_seconds"].astype(float).mean()
        if len(finished_rows)
        else None,
        "peak_bytes": frames.peaks.get(fingerprint, frames.details.peaks.get(fingerprint)),
    }


def _trainings(group: pd.DataFrame) -> list[dict[str, Any]]:
    """Each training of a network: its seed, how it ended and its accuracies in percent."""
    return [
        {
            "seed": row["seed"],
            "status": row["status"],
            "top1": 100 * float(row["test_top1"]),
            "validation": 100 * float(row["validation_top1"]),
        }
        for row in group.to_dict("records")
    ]
