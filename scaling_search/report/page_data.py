"""What the page's script draws from: the report's frames as one JSON text."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from scaling_search.compare.methods import in_words
from scaling_search.compare.networks import MethodAtPhi, Networks, finished
from scaling_search.report.method_styles import looks_of
from scaling_search.report.page_colours import GROUND, INK, on_dark
from scaling_search.report.pareto import pareto
from scaling_search.report.tables import candidates_table, comparison_table
from scaling_search.search.frame import SEARCH_CURVE_COLUMNS, SHARE_COLUMNS
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Resource

CURVE_MEASURES = ("validation_top1", "validation_loss", "train_loss")
"""What a learning curve may show; accuracies become percent."""


@dataclass(frozen=True)
class Details:
    """What the page knows of single networks beyond the frames.

    `studies` holds, by method and φ, the study that trains a network of the comparison by itself,
    as TOML; `peaks` the peak memory of one step in bytes by the network's fingerprint, of the
    `task` "inference" or "training"; `search_curves` a row an epoch of each candidate's trainings.
    """

    studies: Mapping[MethodAtPhi, str] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)
    task: str = ""
    search_curves: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(SEARCH_CURVE_COLUMNS))
    )


@dataclass(frozen=True)
class Frames:
    """The frames of a report; `latency` is `accuracy_latency_frame`'s, None where nothing is timed.

    `peaks` are bytes that a device measured, by fingerprint; `gate` has a row a training of the
    gate; `second` is the column of `search` that was weighed beside accuracy (None: there is none).
    """

    title: str
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    latency: pd.DataFrame | None = None
    peaks: Mapping[str, int] = field(default_factory=dict)
    details: Details = field(default_factory=Details)
    gate: pd.DataFrame | None = None
    second: Resource | None = None


def page_json(frames: Frames) -> str:
    """The page's data as JSON that may stand in a script element: no "<" is in it."""
    values = page_data(frames)
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def page_data(frames: Frames) -> dict[str, Any]:
    """Return methods with their looks, axes, networks, candidates and the pieces of study files.

    Accuracies are percent, what is not known is None. A network's `study` are places in `pieces`,
    which joined are its study file: most of it is the same for all.
    """
    pieces = _Pieces()
    networks = list(_networks(frames, pieces))
    data: dict[str, Any] = _plain(
        {
            "title": frames.title,
            "ground": GROUND,
            "ink": INK,
            "methods": _methods(frames),
            "gate": list(_gate(frames.gate)),
            "second": None if frames.second is None else RESOURCES[frames.second].label,
            "costs": _costs(frames, networks),
            "networks": networks,
            "candidates": list(_candidates(frames)),
            "pieces": pieces.texts,
        }
    )
    return data


class _Pieces:
    """The tables of TOML files, each text once."""

    def __init__(self) -> None:
        self.texts = list[str]()

    def places(self, text: str) -> list[int]:
        """Where the pieces of a text lie, added where they are new."""
        return [self._place(piece) for piece in text.split("\n\n")]

    def _place(self, piece: str) -> int:
        if piece not in self.texts:
            self.texts.append(piece)
        return self.texts.index(piece)


def _gate(runs: pd.DataFrame | None) -> Iterator[dict[str, Any]]:
    """The base and each axis grown alone: the MACs, and each training's validation top-1."""
    if runs is None or not len(runs):
        return
    for method, rows in runs.groupby("method", sort=False):
        top1 = [100 * float(each) for each in rows["validation_top1"]]
        yield {
            **{"key": f"gate {method}", "method": method, "network": rows["network"].iloc[0]},
            **{"macs": rows["macs"].iloc[0], "top1": sum(top1) / len(top1), "trainings": top1},
        }


def _methods(frames: Frames) -> list[dict[str, Any]]:
    known = [
        each["method"] for each in (frames.runs, frames.gate) if each is not None and len(each)
    ]
    looks = looks_of(pd.concat(known)) if known else {}
    return [
        {
            "name": method,
            "words": in_words(method),
            "light": look.colour,
            "dark": on_dark(look.colour),
            "marker": look.marker,
            "dash": [] if look.dash == "solid" else list(look.dash[1]),
        }
        for method, look in looks.items()
    ]


def _costs(frames: Frames, networks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
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
    done = [network["costs"] for network in networks if network["n"]]
    return [
        {"name": name, "short": short, "label": label, "unit": unit}
        for name, short, label, unit in axes
        if done and all(costs[name] is not None for costs in done)
    ]


def _networks(frames: Frames, pieces: _Pieces) -> Iterator[dict[str, Any]]:
    """A network of the comparison, in the order of its table."""
    runs = frames.runs
    if not len(runs):
        return
    networks, curves = Networks.of(runs), _curves(frames.curves, ["method", "phi"])
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
            "study": None if study is None else pieces.places(study),
        }


def _network_costs(frames: Frames, key: MethodAtPhi, group: pd.DataFrame) -> dict[str, Any]:
    first, done = group.iloc[0], finished(group)
    latency, print_ = frames.latency, str(first["fingerprint"])
    timed = None
    if latency is not None:
        timed = latency[(latency["method"] == key[0]) & (latency["phi"] == key[1])]
    has_time = timed is not None and len(timed) > 0
    return {
        **{name: int(first[name]) for name in ("macs", "params", "activations")},
        "latency_ms": timed.iloc[0]["latency_ms"] if timed is not None and has_time else None,
        "train_seconds": done["train_seconds"].astype(float).mean() if len(done) else None,
        "peak_bytes": frames.peaks.get(print_, frames.details.peaks.get(print_)),
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


def _candidates(frames: Frames) -> Iterator[dict[str, Any]]:
    """A trained candidate, in the order of its table."""
    search = frames.search
    if not len(search):
        return
    curves = _curves(frames.details.search_curves, ["network"])
    rows = {str(row["network"]): row for row in search.to_dict("records")}
    weighed = {} if frames.second is None else _weighed(search, frames.second)
    kept = ("alpha", "beta", "gamma", "px", "macs", "growth", "nominal_growth", "n", "epochs")
    for name in candidates_table(search).numbers["network"]:
        row = rows[str(name)]
        yield {
            "key": f"candidate {name}",
            "network": name,
            **{part: row[part] for part in (*kept, "rung", "phi", "status", "tie", "best")},
            "repeats": row["depth_repeats"],
            "shares": [row[share] for share in SHARE_COLUMNS],
            "top1": 100 * float(row["validation_top1"]),
            "sd": 100 * float(row["sd"]),
            "p_best": row["p_best"],
            "curves": curves.get((str(name),)),
            **weighed.get(str(name), {"second": None}),
        }


def _weighed(search: pd.DataFrame, second: Resource) -> dict[str, dict[str, Any]]:
    """By candidate: its second objective, and whether it was compared and is on the front."""
    return {
        str(row["network"]): {
            "second": row[second],
            "compared": bool(row["compared"]),
            "on_front": bool(row["on_front"]),
        }
        for row in pareto(search, second).to_dict("records")
    }


def _curves(curves: pd.DataFrame, keys: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By network: the epochs, and of each measure the means over seeds and each seed's values."""
    if not len(curves):
        return {}
    measures = [name for name in CURVE_MEASURES if name in curves and curves[name].notna().any()]
    return {
        tuple(key): _one_network(group, measures) for key, group in curves.groupby(keys, sort=False)
    }


def _one_network(group: pd.DataFrame, measures: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for measure in measures:
        scale = 100 if measure == "validation_top1" else 1
        wide = scale * group.pivot(index="epoch", columns="seed", values=measure).astype(float)
        values[measure] = {
            "mean": _digits(wide.mean(axis=1)),
            "seeds": {str(seed): _digits(wide[seed]) for seed in wide},
        }
    return {"epochs": sorted(int(epoch) for epoch in group["epoch"].unique()), **values}


def _digits(values: pd.Series[Any]) -> list[float | None]:
    """Five significant digits, more than a figure shows."""
    return [None if math.isnan(value) else float(f"{value:.5g}") for value in values]


def _plain(value: Any) -> Any:
    """The value of JSON's own types; nan becomes None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a scalar of numpy's
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value
