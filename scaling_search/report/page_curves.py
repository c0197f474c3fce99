"""Learning curves as the page's script draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

CURVE_MEASURES = ("validation_top1", "validation_loss", "train_loss")
"""What a learning curve may show; accuracies become percent."""


def curves_by_network(
    curves: pd.DataFrame, keys: list[str]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By network: the epochs, and of each measure the means over seeds and each seed's values."""
    if not len(curves):
        return {}
    measures = [name for name in CURVE_MEASURES if name in curves and curves[name].notna().any()]
    return {
        tuple(key): _curves_of(group, measures) for key, group in curves.groupby(keys, sort=False)
    }


def _curves_of(group: pd.DataFrame, measures: Sequence[str]) -> dict[str, Any]:
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
