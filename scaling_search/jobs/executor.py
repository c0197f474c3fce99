"""What runs jobs, and the plainest of its kind: one after the other in this process.

All are the same plug point: `run(source)` asks for a job whenever there is room for one, and yields
what happens: a result exactly once per job, in whatever order the results come. The others are
`workers.Workers`, `jobs.ray.executor.RayExecutor` and `torchrun_program.TorchrunExecutor`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from scaling_search.core.errors import StoppedError, UserError
from scaling_search.cost.torch_defaults import one_thread
from scaling_search.jobs.execute import execute, release_memory
from scaling_search.jobs.failure import failure_here
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.result import Result
from scaling_search.training.history import EpochRecord

# A job whose process dies as often as this is taken to be the cause.
DEATHS_ALLOWED = 3
GRACE_SECONDS = 15.0


@dataclass(frozen=True)
class Started:
    """A job is under way."""

    job: TrainJob


@dataclass(frozen=True)
class Epoch:
    """A job has ended an epoch."""

    job: TrainJob
    record: EpochRecord


@dataclass(frozen=True)
class Ended:
    """A job has its result; `where` it was trained, as far as it isn't the driver's own device."""

    job: TrainJob
    result: Result
    where: Mapping[str, str] | None = None


Event = Started | Epoch | Ended


NextJob = Callable[[], TrainJob | None]
"""The next job to start, or None while there is none; asked again after every result."""


class Executor(Protocol):
    """Runs jobs; `run` yields exactly one `Ended` for each."""

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run what the source gives, until it has nothing and nothing is under way.

        An event is dealt with before the source is asked again, so what comes next may depend on
        every result so far.
        """
        ...

    def rest(self) -> None:
        """Between two runs: leave the device to whoever times on it, until the next job comes."""
        ...


def jobs_in_order(jobs: Iterable[TrainJob]) -> NextJob:
    """The source that gives these jobs in order.

    Examples:
        >>> from scaling_search.jobs.executor import jobs_in_order
        >>> next_job = jobs_in_order(["first", "second"])
        >>> next_job(), next_job(), next_job()
        ('first', 'second', None)
    """
    remaining = iter(jobs)
    return lambda: next(remaining, None)


@dataclass(frozen=True)
class InlineExecutor:
    """Runs one job after the other in this process."""

    place: Place = field(default_factory=Place)

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run one job after the other; the caller's torch is left as it was."""
        while (job := source()) is not None:
            yield Started(job)
            with PREEMPTION.polled(), one_thread():
                result = self._result(job)
            yield Ended(job, result)

    def rest(self) -> None:
        """Keep no memory of the device; what this process is on it without that does nothing."""
        release_memory(self.place)

    def _result(self, job: TrainJob) -> Result:
        try:
            return execute(job, self.place, stop_asked=lambda: PREEMPTION.requested)
        except (UserError, StoppedError, OSError):
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a network's code may raise)
            return failure_here(error, self.place.logs)


def default_workers(device: str) -> int:
    """One worker a core on a CPU; one on a GPU."""
    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
