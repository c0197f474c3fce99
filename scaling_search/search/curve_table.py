"""A table of trainings: every candidate's learning curves as one frame, and a `find` made of it.

A strategy is judged by replaying it on such a table, in seconds, instead of by training. The search
takes a table for a ledger: `search_of(plan, pool, remembered(make), find(frame))`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_search.arch.protocol import Network
from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Finished, Lost, OutOfMemory, Result, TimedOut
from scaling_search.search.candidates import Candidate
from scaling_search.search.search import MakeJob, Search
from scaling_search.training.history import EpochRecord, Scores

NETWORK_COLUMNS = (
    *("network", "fingerprint", "alpha", "beta", "gamma", "depth_repeats", "channels", "px"),
    *("macs", "activations", "params", "growth"),
)
TABLE_COLUMNS = (
    *NETWORK_COLUMNS,
    *("job", "epochs", "seed", "status", "epoch"),
    *("train_loss", "validation_loss", "validation_top1", "validation_top5"),
    *("raw_loss", "raw_top1", "raw_top5", "train_seconds"),
)
# Six digits tell apart the top-1 of any two counts of up to a million images.
DECIMALS = {
    **{"growth": 4, "train_loss": 4, "train_seconds": 3},
    **{f"{weights}_loss": 5 for weights in ("validation", "raw")},
    **{f"{weights}_{top}": 6 for weights in ("validation", "raw") for top in ("top1", "top5")},
}
# A fingerprint of digits alone, or "12e45678…", is text all the same; so is one stage's "3".
_TEXT = ("network", "fingerprint", "depth_repeats", "channels", "job", "status")


def curves(search: Search, indices: Sequence[int] | None = None) -> pd.DataFrame:
    """One row an epoch of every training at the φ of the answer, of all candidates or these.

    `alpha`, `beta` and `gamma` are the candidate's point, `epochs` is the training's length and
    `epoch` counts within it; `train_loss` is the epoch's mean, losses are in nats, top-1 and top-5
    fractions, `train_seconds` runs from the training's beginning. Where the recipe averages
    weights, `validation_…` are the scores of the average and `raw_…` those of the weights
    themselves (nan elsewhere). A training that failed has one row, epoch 0, with its reason as
    `status`.
    """
    of_all = range(len(search.pool)) if indices is None else indices
    networks = {index: described(search.pool[index]) for index in of_all}
    rungs = [n for n, rung in enumerate(search.plan.rungs) if rung.phi == search.plan.target_phi]
    # Two rungs of one length may share seeds: that is one training.
    jobs = {
        job.hash: (network, job)
        for rung in rungs
        for index, network in networks.items()
        for job in search.jobs(rung, index)
    }
    rows = [
        {**network, "job": key, "epochs": job.epochs, "seed": job.seed, **values}
        for key, (network, job) in jobs.items()
        if (result := search.find(job)) is not None
        for values in _epochs(result)
    ]
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS)).round(DECIMALS)


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Write the table as CSV, atomically."""
    return write_atomically(path, frame.to_csv(index=False, lineterminator="\n"))


def read_curves(path: Path) -> pd.DataFrame:
    """The table that `write_table` wrote; raises UserError for a missing file or another table.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.search.curve_table import read_curves
        >>> curves = read_curves(Path("results/tabular/cifar10-growth-2/curves.csv"))
        >>> curves["network"].nunique(), curves["epochs"].unique().tolist()
        (33, [3, 8])
    """
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str))
    except (OSError, ValueError) as error:
        raise UserError(f"a table of trainings must be readable, got {path}: {error}") from None
    lacking = [column for column in TABLE_COLUMNS if column not in frame.columns]
    if lacking:
        raise UserError(
            f"a table of trainings has the columns {', '.join(TABLE_COLUMNS)}, got {path} without "
            f"{', '.join(lacking)}: make it with results/tabular/curves.py"
        )
    return frame


def find(frame: pd.DataFrame) -> Callable[[TrainJob], Result | None]:
    """What a search looks results up in, made of a table: None for a job that the table lacks."""
    results = {str(key): _result(rows) for key, rows in frame.groupby("job", sort=False)}
    return lambda job: results.get(job.hash)


def remembered(make: MakeJob) -> MakeJob:
    """The same jobs, each made and hashed once: a replay asks for them thousands of times.

    The networks must be of one pool, where a name stands for one of them.
    """
    made: dict[tuple[str, int, int, float], TrainJob] = {}

    def remembering(network: Network, epochs: int, seed: int, phi: float = 1.0) -> TrainJob:
        key = (network.name, epochs, seed, phi)
        if key not in made:
            made[key] = make(network, epochs, seed, phi)
        return made[key]

    return remembering


def described(candidate: Candidate) -> dict[str, Any]:
    """The candidate's columns of the table."""
    network, cost, point = candidate.architecture, candidate.cost, candidate.coefficients
    return {
        "network": candidate.name,
        "fingerprint": network.fingerprint,
        "alpha": point.alpha,
        "beta": point.beta,
        "gamma": point.gamma,
        "depth_repeats": "-".join(str(stage.repeats) for stage in network.stages),
        "channels": "-".join(str(stage.channels) for stage in network.stages),
        "px": network.resolution_px,
        "macs": cost.macs,
        "activations": cost.activations,
        "params": cost.params,
        "growth": candidate.growth,
    }


def _epochs(result: Result) -> Iterator[dict[str, Any]]:
    if not isinstance(result, Finished):
        yield {"status": result.kind, "epoch": 0}  # the rest becomes nan
        return
    for record in result.history:
        raw = {} if record.averaged is None else asdict(record.validation)
        yield {
            "status": result.kind,
            "epoch": record.epoch,
            "train_loss": record.train_loss,
            **{f"validation_{name}": value for name, value in asdict(record.scores).items()},
            **{f"raw_{name}": value for name, value in raw.items()},
            "train_seconds": record.train_seconds,
        }


def _result(rows: pd.DataFrame) -> Result:
    """The training's result; of a failure the table keeps the kind alone."""
    status = str(rows["status"].iloc[0])
    if status != "finished":
        return _FAILURES[status]
    return Finished(tuple(map(_record, rows.to_dict("records"))))


def _record(row: Mapping[Hashable, Any]) -> EpochRecord:
    scores, raw = (
        Scores(*(float(row[f"{weights}_{name}"]) for name in ("loss", "top1", "top5")))
        for weights in ("validation", "raw")
    )
    of_all = (int(row["epoch"]), float(row["train_loss"]))
    if math.isnan(raw.top1):
        return EpochRecord(*of_all, scores, float(row["train_seconds"]))
    return EpochRecord(*of_all, raw, float(row["train_seconds"]), averaged=scores)


_KEPT = "recorded in the table"
_FAILURES: Mapping[str, Result] = {
    "diverged": Diverged(_KEPT),
    "out-of-memory": OutOfMemory(0, _KEPT),
    "timed-out": TimedOut(math.nan),
    "lost": Lost(0, _KEPT),
}
