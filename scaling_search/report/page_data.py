"""What the page's script draws from: the report's frames as one JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from scaling_search.compare.methods import in_words
from scaling_search.report.candidates_table import candidates_table
from scaling_search.report.method_styles import looks_of
from scaling_search.report.page_colours import GROUND, INK, on_dark
from scaling_search.report.page_curves import curves_by_network
from scaling_search.report.page_frames import PageFrames
from scaling_search.report.page_networks import TextPieces, cost_axes, network_rows
from scaling_search.report.pareto import pareto
from scaling_search.search.frame import SHARE_COLUMNS
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Resource


def page_json(frames: PageFrames) -> str:
    """The page's data as JSON that may stand in a script element: no "<" is in it."""
    values = page_data(frames)
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def page_data(frames: PageFrames) -> dict[str, Any]:
    """Return methods with their looks, axes, networks, candidates and the pieces of study files.

    Accuracies are percent, what is not known is None. A network's `study` are indices of `pieces`,
    which joined are its study file: most of it is the same for all.
    """
    pieces = TextPieces()
    networks = list(network_rows(frames, pieces))
    data: dict[str, Any] = _plain(
        {
            "title": frames.title,
            "ground": GROUND,
            "ink": INK,
            "methods": _methods(frames),
            "gate": list(_gate(frames.gate)),
            "second": None if frames.second is None else RESOURCES[frames.second].label,
            "costs": cost_axes(frames, networks),
            "networks": networks,
            "candidates": list(_candidates(frames)),
            "pieces": pieces.texts,
        }
    )
    return data


def _gate(runs: pd.DataFrame | None) -> Iterator[dict[str, Any]]:
    """The base and each axis grown alone: the MACs, and each training's validation top-1."""
    if runs is None or not len(runs):
        return
    for method, rows in runs.groupby("method", sort=False):
        top1 = [100 * float(accuracy) for accuracy in rows["validation_top1"]]
        yield {
            **{"key": f"gate {method}", "method": method, "network": rows["network"].iloc[0]},
            **{"macs": rows["macs"].iloc[0], "top1": sum(top1) / len(top1), "trainings": top1},
        }


def _methods(frames: PageFrames) -> list[dict[str, Any]]:
    methods = [
        frame["method"] for frame in (frames.runs, frames.gate) if frame is not None and len(frame)
    ]
    looks = looks_of(pd.concat(methods)) if methods else {}
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


def _candidates(frames: PageFrames) -> Iterator[dict[str, Any]]:
    """A trained candidate, in the order of its table."""
    search = frames.search
    if not len(search):
        return
    curves = curves_by_network(frames.details.search_curves, ["network"])
    rows = {str(row["network"]): row for row in search.to_dict("records")}
    weighed = {} if frames.second is None else _second_objectives(search, frames.second)
    columns = ("alpha", "beta", "gamma", "px", "macs", "growth", "nominal_growth", "n", "epochs")
    for name in candidates_table(search).numbers["network"]:
        row = rows[str(name)]
        yield {
            "key": f"candidate {name}",
            "network": name,
            **{part: row[part] for part in (*columns, "rung", "phi", "status", "tie", "best")},
            "repeats": row["depth_repeats"],
            "shares": [row[share] for share in SHARE_COLUMNS],
            "top1": 100 * float(row["validation_top1"]),
            "sd": 100 * float(row["sd"]),
            "p_best": row["p_best"],
            "curves": curves.get((str(name),)),
            **weighed.get(str(name), {"second": None}),
        }


def _second_objectives(search: pd.DataFrame, second: Resource) -> dict[str, dict[str, Any]]:
    """By candidate: its second objective, and whether it was compared and is on the front."""
    return {
        str(row["network"]): {
            "second": row[second],
            "compared": bool(row["compared"]),
            "on_front": bool(row["on_front"]),
        }
        for row in pareto(search, second).to_dict("records")
    }


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
