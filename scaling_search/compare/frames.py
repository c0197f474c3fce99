"""The comparison as jobs, and what came of them as data frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from scaling_search.arch.network import Network
from scaling_search.compare.family import Member
from scaling_search.jobs.job import Finished, Result, TrainJob

Make = Callable[[Network, int], TrainJob]
"""The job that trains a network of the comparison from a seed."""
Find = Callable[[TrainJob], Result | None]

RUN_COLUMNS = (
    *("method", "phi", "network", "depth", "width", "resolution", "px", "seed"),
    *("macs", "params", "activations", "growth_target", "growth"),
    *("validation_loss", "validation_top1", "test_loss", "test_top1", "test_top5"),
    *("train_seconds", "status", "fingerprint"),
)
CURVE_COLUMNS = (
    *("method", "phi", "network", "seed", "epoch"),
    *("train_loss", "validation_loss", "validation_top1"),
)


def comparison_jobs(members: Sequence[Member], seeds: int, make: Make) -> list[TrainJob]:
    """Every training of the comparison; a network that two methods share is trained once."""
    jobs = [make(member.architecture, seed) for member in members for seed in range(seeds)]
    return list({job.hash: job for job in jobs}.values())


def runs_frame(members: Sequence[Member], seeds: int, make: Make, find: Find) -> pd.DataFrame:
    """One row a network and seed of which there is a result; accuracies are fractions."""
    rows = [
        _run(member, seed, result)
        for member in members
        for seed in range(seeds)
        if (result := find(make(member.architecture, seed))) is not None
    ]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def curves_frame(members: Sequence[Member], seeds: int, make: Make, find: Find) -> pd.DataFrame:
    """One row an epoch of every finished training of the comparison."""
    rows = [
        {
            "method": member.method,
            "phi": member.phi,
            "network": member.architecture.name,
            "seed": seed,
            "epoch": record.epoch,
            "train_loss": record.train_loss,
            "validation_loss": record.validation_loss,
            "validation_top1": record.validation_top1,
        }
        for member in members
        for seed in range(seeds)
        if isinstance(result := find(make(member.architecture, seed)), Finished)
        for record in result.history
    ]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _run(member: Member, seed: int, result: Result) -> dict[str, Any]:
    return {
        "method": member.method,
        "phi": member.phi,
        "network": member.architecture.name,
        "depth": member.multipliers.depth,
        "width": member.multipliers.width,
        "resolution": member.multipliers.resolution,
        "px": member.architecture.resolution_px,
        "seed": seed,
        "macs": member.cost.macs,
        "params": member.cost.params,
        "activations": member.cost.activations,
        "growth_target": member.growth_target,
        "growth": member.growth,
        **_scores(result),
        "status": result.kind,
        "fingerprint": member.architecture.fingerprint,
    }


def _scores(result: Result) -> dict[str, float]:
    """What is known of a training that finished; the rest of the frame becomes nan."""
    if not isinstance(result, Finished):
        return {}
    validation, test = result.validation, result.test
    seen = {"validation_loss": validation.loss, "validation_top1": validation.top1}
    if test is not None:
        seen |= {"test_loss": test.loss, "test_top1": test.top1, "test_top5": test.top5}
    return seen | {"train_seconds": result.train_seconds}
