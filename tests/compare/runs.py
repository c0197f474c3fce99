"""Small frames of runs with the accuracies that a test asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

Key = tuple[str, float]
SHARES = {
    "compound": (0.3, 0.3, 0.4),
    "depth": (1.0, 0.0, 0.0),
    "width": (0.0, 1.0, 0.0),
    "resolution": (0.0, 0.0, 1.0),
}


def runs_of(
    top1: Mapping[Key, Sequence[float]],
    growths: Mapping[Key, float] | None = None,
    shares: Mapping[str, tuple[float, float, float]] | None = None,
) -> pd.DataFrame:
    """One row a training; accuracies in percent by method and φ, growth 2^φ unless it is given.

    Every network is another one, and trained alike.
    """
    rows = [
        _run(method, phi, seed, percent, (growths or {}).get((method, phi), 2.0**phi), shares or {})
        for (method, phi), values in top1.items()
        for seed, percent in enumerate(values)
    ]
    return pd.DataFrame(rows)


def _run(
    method: str,
    phi: float,
    seed: int,
    percent: float,
    growth: float,
    shares: Mapping[str, tuple[float, float, float]],
) -> dict[str, object]:
    depth, width, resolution = {**SHARES, **shares}.get(method, (1 / 3, 1 / 3, 1 / 3))
    return {
        "method": method,
        "phi": phi,
        "network": f"{method} {phi:g}",
        "seed": 1000 + seed,
        "growth_target": 2.0**phi,
        "growth": growth,
        **{"depth_share": depth, "width_share": width, "resolution_share": resolution},
        "test_top1": percent / 100,
        "status": "finished",
        "fingerprint": f"{method} {phi:g}",
        "recipe": "plain",
    }
