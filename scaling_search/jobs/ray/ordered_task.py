"""A Ray task as its driver sees it: ordered, heard, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, ObjectLostError, RayError, RayTaskError

from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ray.task import Node, TaskMessage

FETCH_SECONDS = 30.0


@dataclass
class OrderedTask:
    """A job under way, or waiting for its node; `began` is when the node was heard of."""

    job: TrainJob
    reports: Any  # Ray's generator of references to reports
    node: Node | None = None
    began: float = 0.0

    @property
    def where(self) -> dict[str, str] | None:
        """What a record says of its node; None before it is heard of."""
        return None if self.node is None else self.node.where

    def is_silent(self) -> bool:
        """Whether nothing it said is still to be heard."""
        return not ray.wait([self.reports], timeout=0)[0]

    def cancel(self) -> None:
        """End it; whoever cancels it listens to it no longer."""
        ray.cancel(self.reports, force=True, recursive=False)


def next_messages(
    tasks: Sequence[OrderedTask],
) -> Iterator[tuple[OrderedTask, TaskMessage | RayError]]:
    """What the next of these tasks says, within a second; at its end an error or a last report."""
    ready, _ = ray.wait([task.reports for task in tasks], timeout=1.0)
    for task in [task for task in tasks if task.reports in ready]:
        try:
            yield task, ray.get(next(task.reports), timeout=FETCH_SECONDS)
        except StopIteration:
            yield task, RayError("it ended without a result")
        except (ObjectLostError, GetTimeoutError):
            continue  # a checkpoint that went down with its node; the task's end comes next
        except RayError as error:
            yield task, error


def with_absolute_root(job: TrainJob) -> TrainJob:
    """The job with an absolute path to its images: a task has a working directory of its own."""
    if job.data.root is None:
        return job
    return replace(job, data=replace(job.data, root=str(Path(job.data.root).absolute())))


def ray_reason(error: RayError) -> str:
    """The last line says what went wrong in a task, the first what became of its process."""
    if isinstance(error, RayTaskError):
        return str(error).strip().rpartition("\n")[2]
    return str(error).strip().partition("\n")[0]


def node_error(error: RayError) -> UserError:
    """The line for a node where not even the task's module can be imported."""
    rule = "every node must be able to run scaling_search"
    return UserError(
        f"{rule}, got {ray_reason(error)}: install the same environment on all of them"
    )
