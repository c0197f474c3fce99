"""Searches, trainings and ledgers that cost nothing, to measure what drives them.

Everything but the training is real: the study, the candidates, the jobs, the ledger's lines.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.study import Study
from scaling_search.jobs.executor import Ended, Event, NextJob, Started
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.ledger_format import Record, ledger_line, read_lines
from scaling_search.jobs.result import Finished
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.search.strategies import StrategyName
from scaling_search.training.history import EpochRecord, Scores

INFO = DataInfo("typefaces", tuple("abcdefghij"), 1, 64, 4000, 1000, 1000, 1, "f" * 16)
# Over a thousand distinct networks of twice the cost.
SPACE = Space(Axis(1.0, 2.0, 0.02), Axis(1.0, 1.5, 0.01), Axis(1.0, 1.5, 0.005))
RUNGS = (Rung(3, keep=0.5), Rung(8, seeds=3))


def experiment_of(strategy: StrategyName, trials: int, asynchronous: bool) -> Experiment:
    """A search of EfficientNet-B0 that tries so many candidates, half of them in full."""
    plan = SearchPlan(strategy, trials=trials, rungs=RUNGS, asynchronous=asynchronous)
    budget = Budget(tolerance=0.2)
    study = Study("pretended", base="efficientnet-b0", budget=budget, space=SPACE, search=plan)
    return Experiment(study, INFO)


def result_of(job: TrainJob) -> Finished:
    """A result that depends on the job alone: finer networks are better, with some scatter."""
    scatter = random.Random(job.hash)
    top1 = job.architecture.resolution_px / 1000 + scatter.random() / 10
    scores = Scores(1 - top1, top1, top1)
    epochs = range(1, job.epochs + 1)
    return Finished(tuple(EpochRecord(n, 1.0, scores, 30.0 * n + scatter.random()) for n in epochs))


@dataclass
class AtOnce:
    """An executor whose jobs end at once; `seconds` is its own CPU time, to be subtracted.

    It takes no more jobs once the thread has spent `limit_seconds`.
    """

    limit_seconds: float
    seconds: float = 0.0
    jobs: int = 0
    began: float = field(default_factory=time.thread_time)

    @property
    def spent(self) -> bool:
        """Whether it stopped for its limit."""
        return time.thread_time() - self.began > self.limit_seconds

    def rest(self) -> None:
        """Nothing is anywhere."""

    def run(self, source: NextJob) -> Iterator[Event]:
        """End every job that the source gives."""
        while not self.spent and (job := source()) is not None:
            yield Started(job)
            began = time.thread_time()
            result = result_of(job)
            self.seconds += time.thread_time() - began
            self.jobs += 1
            yield Ended(job, result)


@dataclass
class Flushes:
    """How often the disk was asked to keep what was written, and the wall seconds it took."""

    times: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def counted_flushes() -> Iterator[Flushes]:
    """Every fsync inside is made and counted."""
    flushes, fsync = Flushes(), os.fsync

    def counted(descriptor: int) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        fsync(descriptor)
        flushes.times += 1
        flushes.seconds += time.perf_counter() - wall
        flushes.cpu_seconds += time.thread_time() - cpu

    with mock.patch("os.fsync", counted):
        yield flushes


def write_ledger(path: Path, lines: int) -> Path:
    """A ledger of so many lines: the record of one training, under hashes that differ."""
    experiment = experiment_of("grid", 1, asynchronous=False)
    job = experiment.network_job(experiment.pool[0].architecture, 8, 0)
    with Ledger(path.with_name("one.jsonl")) as one:
        one.accept(job, result_of(job), {"device": "cpu"})
    (line,) = read_lines(one.path)
    if not isinstance(line, Record):
        raise TypeError(f"a line that was just written must be whole, got {line}")
    with path.open("wb") as file:
        file.writelines(ledger_line(f"{number:016x}", line.record) for number in range(lines))
    return path
