"""The records of a ledger, read one at a time: what each is of, and what it says.

A record is JSON, `{"kind": …, "job": {…}, "result": {…}, "where": {…}, "at": …}`. Its kind, and
whether its training failed, are told without parsing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from scaling_search.jobs.job import TrainJob, job_from_json, job_to_json
from scaling_search.jobs.result import Result, result_from_json
from scaling_search.latency.job import TimeJob
from scaling_search.latency.profile import timed_from_json
from scaling_search.latency.result import Timed

# How the record of a timing begins; one of a training begins likewise, with its own kind.
_TIMING = b'{"kind": "timing"'

# How a result that stays is told from a failure, without parsing; quotes within text are escaped.
_FINISHED = b'"kind": "finished"'

# What reading a record of another version, or of somebody's making, may raise.
READ_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def is_timing(record: bytes) -> bool:
    """Whether a record is of a timing and not of a training."""
    return record.startswith(_TIMING)


def is_failure(record: bytes) -> bool:
    """Whether a record is of a training that came to no end; a later one may take its place."""
    return not is_timing(record) and _FINISHED not in record


def is_readable(record: bytes) -> bool:
    """Whether a record's result is one that this version knows."""
    try:
        timing_of(record) if is_timing(record) else result_of(record)
    except READ_ERRORS:
        return False
    return True


def hash_of(record: bytes) -> str:
    """The hash of the job in a record, worked out anew; raises one of READ_ERRORS."""
    job: TrainJob | TimeJob = (
        timing_of(record).job if is_timing(record) else _job(json.loads(record))
    )
    return job.hash


def result_of(record: bytes) -> Result:
    """A training's result; raises one of READ_ERRORS, as all that follow do."""
    return result_from_json(json.loads(record)["result"])


def timing_of(record: bytes) -> Timed:
    """A timing with its raw samples."""
    content = json.loads(record)
    return timed_from_json(json.dumps({"job": content["job"], **content["result"]}))


def where_of(record: bytes) -> dict[str, str]:
    """Where a training ran, by name."""
    return {str(name): str(value) for name, value in json.loads(record)["where"].items()}


def time_of(record: bytes) -> datetime:
    """When a result was accepted, by UTC."""
    return datetime.fromisoformat(json.loads(record)["at"])


def training_of(record: bytes) -> tuple[TrainJob, Result, dict[str, str]]:
    """A training's job, its result, and where it ran."""
    content = json.loads(record)
    return _job(content), result_from_json(content["result"]), dict(content["where"])


def job_content(job: TrainJob) -> dict[str, Any]:
    """The job as a record holds it.

    Where images and weights lie is this machine's affair and no part of the result.
    """
    content = job_to_json(job)
    content["data"] |= {"root": None, "download": False}
    if content["initial"] is not None:
        content["initial"] |= {"path": ""}
    return content


def _job(content: dict[str, Any]) -> TrainJob:
    job = content["job"]
    if job["data"]["name"] == "imagefolder":  # its root is not written, and no part of the job
        job["data"]["root"] = "."
    return job_from_json(job)
