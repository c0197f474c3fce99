"""What a search tried, and the gate before it, as data frames."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from scaling_search.cost.analytic import count
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.candidates import Candidate
from scaling_search.search.constants import Constants
from scaling_search.search.search import Find, Search

SHARE_COLUMNS = ("depth_share", "width_share", "resolution_share")
CANDIDATE_COLUMNS = (
    *("network", "alpha", "beta", "gamma", "alpha_low", "alpha_high", "beta_low", "beta_high"),
    *("gamma_low", "gamma_high", "depth_repeats", "px", "macs", "growth", "nominal_growth"),
    *(*SHARE_COLUMNS, "rung", "phi", "epochs", "n"),
    *("validation_top1", "sd", "p_best", "tie", "best", "status"),
)
SEARCH_CURVE_COLUMNS = (
    "network",
    "seed",
    "epoch",
    "train_loss",
    "validation_loss",
    "validation_top1",
)
GATE_COLUMNS = ("method", "network", "macs", "seed", "validation_top1")


def gate_frame(jobs: Mapping[str, tuple[TrainJob, ...]], find: Find) -> pd.DataFrame:
    """One row a finished training of the gate; `method` is "base" or the axis that grew."""
    rows = [
        {
            "method": method,
            "network": job.architecture.name,
            "macs": count(job.architecture).macs,
            "seed": job.seed,
            "validation_top1": result.validation_top1,
        }
        for method, trainings in jobs.items()
        for job in trainings
        if isinstance(result := find(job), Finished)
    ]
    return pd.DataFrame(rows, columns=list(GATE_COLUMNS))


def search_frame(search: Search, constants: Constants | None) -> pd.DataFrame:
    """One row a trained candidate, at the highest rung that it reached.

    `constants` is None while the search goes on: then none is the best, nor a tie.
    """
    rows, rungs = [], search.reached()
    chances, ties = (constants.chances, constants.ties) if constants else ({}, ())
    for index in dict.fromkeys(index for tried in rungs for index in tried):
        candidate = search.pool[index]
        reached = max(rung for rung, tried in enumerate(rungs) if index in tried)
        outcome = _outcome([search.find(job) for job in search.jobs(reached, index)])
        if outcome is None:
            continue  # asked for, and not trained yet
        rows.append(
            {
                **_described(candidate),
                "rung": reached,
                "phi": search.plan.rungs[reached].phi,
                "epochs": search.plan.rungs[reached].epochs,
                **outcome,
                # More digits would be the draws' own noise.
                "p_best": round(chances.get(candidate.name, math.nan), 2),
                "tie": candidate.name in ties,
                "best": candidate.name in ties[:1],
            }
        )
    return pd.DataFrame(rows, columns=list(CANDIDATE_COLUMNS))


def _outcome(results: Sequence[Result | None]) -> dict[str, Any] | None:
    """The mean and scatter of a candidate's trainings, and how they ended; None before any has."""
    scores = [r.validation_top1 for r in results if isinstance(r, Finished)]
    failures = [r.kind for r in results if r is not None and not isinstance(r, Finished)]
    if not scores and not failures:
        return None
    return {
        "n": len(scores),
        "validation_top1": statistics.fmean(scores) if scores else math.nan,
        "sd": statistics.stdev(scores) if len(scores) > 1 else math.nan,
        "status": failures[0] if failures else "finished",
    }


def search_curves_frame(search: Search) -> pd.DataFrame:
    """One row an epoch of each candidate's finished trainings at the highest rung it reached."""
    rungs = search.reached()
    highest = {index: rung for rung, tried in enumerate(rungs) for index in tried}
    rows = [
        {
            "network": search.pool[index].name,
            "seed": job.seed,
            "epoch": record.epoch,
            "train_loss": record.train_loss,
            "validation_loss": record.validation_loss,
            "validation_top1": record.validation_top1,
        }
        for index, rung in highest.items()
        for job in search.jobs(rung, index)
        if isinstance(result := search.find(job), Finished)
        for record in result.history
    ]
    return pd.DataFrame(rows, columns=list(SEARCH_CURVE_COLUMNS))


def _described(candidate: Candidate) -> dict[str, Any]:
    point = candidate.coefficients
    spans = {"alpha": candidate.alpha, "beta": candidate.beta, "gamma": candidate.gamma}
    return {
        "network": candidate.name,
        "alpha": point.alpha,
        "beta": point.beta,
        "gamma": point.gamma,
        **{f"{axis}_low": span[0] for axis, span in spans.items()},
        **{f"{axis}_high": span[1] for axis, span in spans.items()},
        "depth_repeats": "-".join(str(s.repeats) for s in candidate.architecture.stages),
        "px": candidate.architecture.resolution_px,
        "macs": candidate.cost.macs,
        "growth": candidate.growth,
        "nominal_growth": point.nominal_growth,
        **dict(zip(SHARE_COLUMNS, candidate.shares, strict=True)),
    }
