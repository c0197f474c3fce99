"""Synthetic frames in the shape that a run hands to the report; small, seeded, plausible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scaling_search.arch.scaling import Coefficients
from tests.answers import answer

BASE_MACS = 1_400_000
AXES = ("depth", "width", "resolution")

CONSTANTS = answer(
    Coefficients(1.05, 1.05, 1.28),
    ((1.0, 1.25), (1.0, 1.08), (1.27, 1.29)),
    ("a", "b", "c"),
    {"a": 0.47, "b": 0.3, "c": 0.2},
    candidates=65,
    trained=30,
    finalists=6,
    seeds=3,
)
SHARE_NAMES = tuple(f"{axis}_share" for axis in AXES)
SHARES = {
    "base": (1 / 3, 1 / 3, 1 / 3),
    "compound": (0.27, 0.26, 0.47),
    "depth": (1.0, 0.0, 0.0),
    "width": (0.0, 1.0, 0.0),
    "resolution": (0.0, 0.0, 1.0),
}
TOP1 = {
    ("base", 0): 0.62,
    ("compound", 1): 0.74,
    ("depth", 1): 0.60,
    ("width", 1): 0.68,
    ("resolution", 1): 0.85,
    ("compound", 2): 0.89,
    ("depth", 2): 0.56,
    ("width", 2): 0.73,
    ("resolution", 2): 0.96,
}


def runs_frame(seeds: int = 3, noise: float = 0.012) -> pd.DataFrame:
    """A comparison of four methods at φ = 1, 2 and the base at φ = 0."""
    rng = np.random.default_rng(1)
    rows = [
        _run(method, phi, seed, top1 + noise * rng.normal())
        for (method, phi), top1 in TOP1.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def _run(method: str, phi: int, seed: int, top1: float) -> dict[str, object]:
    target = 2.0**phi
    growth = target * {"depth": 1.08, "width": 0.99}.get(method, 1.0)
    share = {"depth": (1, 0, 0), "width": (0, 0.5, 0), "resolution": (0, 0, 0.5)}
    depth, width, resolution = (target**part for part in share.get(method, (0.27, 0.13, 0.23)))
    px = round(24 * resolution)
    return {
        "method": method,
        "phi": float(phi),
        "network": f"micro d{depth:.2f} w{width:.2f} r{resolution:.2f}",
        "depth": depth,
        "width": width,
        "resolution": resolution,
        "px": px,
        "seed": seed,
        "macs": round(BASE_MACS * growth),
        "params": round(39_000 * depth * width**2),
        "activations": round(60_000 * depth * width * resolution**2),
        "growth_target": target,
        "growth": growth,
        **dict(zip(SHARE_NAMES, SHARES[method], strict=True)),
        "rate": 1.0,
        "learning_rate": 0.1,
        "validation_top1": top1 + 0.004,
        "test_top1": top1,
        "train_seconds": 12.5,
        "status": "finished",
        "fingerprint": f"{method}-{phi}",
        "recipe": "plain",
    }


def gate_frame() -> pd.DataFrame:
    """The base and each axis grown alone, two seeds each."""
    top1 = {"base": 0.62, "depth": 0.66, "width": 0.71, "resolution": 0.69}
    rows = [
        {
            "method": method,
            "network": method,
            "macs": BASE_MACS * (1 if method == "base" else 2),
            "seed": seed,
            "validation_top1": mean + 0.01 * seed,
        }
        for method, mean in top1.items()
        for seed in range(2)
    ]
    return pd.DataFrame(rows)


def search_frame(candidates: int = 30, finalists: int = 6) -> pd.DataFrame:
    """A search of which the better fifth reached the second rung."""
    rng = np.random.default_rng(2)
    shares = rng.dirichlet((1.2, 1.2, 1.2), candidates)
    shares = shares[np.argsort(-shares[:, 2] + 0.4 * shares[:, 0])]
    rows = [_candidate(place, share, finalists) for place, share in enumerate(shares)]
    return pd.DataFrame(rows).sample(frac=1, random_state=3).reset_index(drop=True)


def _candidate(place: int, share: np.ndarray, finalists: int) -> dict[str, object]:
    alpha, beta, gamma = 2 ** share[0], 2 ** (share[1] / 2), 2 ** (share[2] / 2)
    final = place < finalists
    constants = {"alpha": alpha, "beta": beta, "gamma": gamma}
    intervals = {
        f"{name}_{end}": max(1.0, value + shift)
        for name, value in constants.items()
        for end, shift in (("low", -0.03), ("high", 0.04))
    }
    return {
        "network": f"micro d{alpha:.2f} w{beta:.2f} r{gamma:.2f}",
        **constants,
        **intervals,
        "depth_repeats": "1-2-2-3",
        "px": round(24 * gamma),
        "macs": round(BASE_MACS * (1.96 + 0.08 * share[1])),
        "growth": 1.96 + 0.08 * share[1],
        "nominal_growth": 2.0 - 0.3 * share[0],
        **{f"{axis}_share": float(part) for axis, part in zip(AXES, share, strict=True)},
        "rung": int(final),
        "phi": 1.0,
        "epochs": 9 if final else 3,
        "n": 3 if final else 1,
        "validation_top1": (0.80 if final else 0.66) - 0.006 * place,
        "sd": 0.011 if final else np.nan,
        "p_best": (0.5, 0.3, 0.2)[place] if place < 3 else 0.0,
        "tie": place < 3,
        "best": place == 0,
        "status": "finished",
    }


def curves_frame(epochs: int = 9, seeds: int = 3) -> pd.DataFrame:
    """Curves that rise towards the accuracies of `TOP1`."""
    rows = [
        {
            "method": method,
            "phi": float(phi),
            "network": method,
            "seed": seed,
            "epoch": epoch,
            "train_loss": 3.0 / epoch,
            "validation_top1": top1 * (1 - 0.8 * np.exp(-epoch / 2.5)) + 0.002 * seed,
        }
        for (method, phi), top1 in TOP1.items()
        for seed in range(seeds)
        for epoch in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows)
