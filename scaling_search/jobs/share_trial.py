"""The trial itself: copies of one training at once on a card, more and more of them.

They are real workers with real images, and nothing that they do is kept.
"""

from __future__ import annotations

import selectors
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.jobs.cards import GPU, GpuCard
from scaling_search.jobs.gpu_share import ShareMeasurement, next_number, rate
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.latency.process_runner import interpreter_settings

WINDOW_SECONDS = 4.0
TRIAL_SECONDS = 180.0  # for all of it; a number that isn't measured by then is left out
WARM_MESSAGES = (
    3  # messages on its steps that a process has sent before it is taken to be under way
)
ENDLESS = 1_000_000  # epochs: no copy ends before the trial


@dataclass
class _Copy:
    """A process that trains, and the steps that it has said."""

    process: WorkerProcess
    uuid: str = ""
    steps: list[tuple[int, float]] = field(default_factory=list)

    def read_answers(self) -> bool:
        """Take what it says; False once it has ended or comes to a result."""
        answers = self.process.answers()
        if answers is None:
            return False
        for answer in answers:
            if not answer.keys().isdisjoint(("result", "mistake")):
                return False
            if "steps" in answer:
                self.steps.append((int(answer["steps"][0]), float(answer["steps"][1])))
            self.uuid = answer.get("where", {}).get(GPU, self.uuid)
        return True


@dataclass
class ShareTrial:
    """A trial of this job on this card; `memory_share` is a card's used memory by its UUID."""

    job: TrainJob
    place: Place
    card: GpuCard
    logs: Path
    memory_share: Callable[[str], float | None]
    window_seconds: float = WINDOW_SECONDS
    _copies: list[_Copy] = field(default_factory=list)

    def run(self, most: int) -> tuple[ShareMeasurement, ...]:
        """What each number of jobs came to, up to `most`; raises PreemptedError."""
        tried: list[ShareMeasurement] = []
        deadline = time.monotonic() + TRIAL_SECONDS
        with tempfile.TemporaryDirectory(prefix="scaling-search-trial-") as folder:
            place = replace(self.place, checkpoints=folder, every_seconds=inf)
            try:
                while (number := next_number(tried, most)) is not None:
                    while len(self._copies) < number:
                        self._copies.append(self._start(place, most))
                    if not self._measure(deadline):
                        break
                    tried.append(self._measurement())
            finally:
                for copy in self._copies:
                    copy.process.end()
        return tuple(tried)

    def _start(self, place: Place, most: int) -> _Copy:
        log = self.logs / f"trial-{len(self._copies)}.log"
        settings = {**interpreter_settings(1), TRAININGS_AT_ONCE: str(most)}
        process = WorkerProcess(log, {**settings, **self.card.environment})
        process.order(replace(self.job, epochs=ENDLESS, reads_test=False), place, counts=True)
        return _Copy(process)

    def _measure(self, deadline: float) -> bool:
        """Whether all copies train, and have done so for a window at the same time."""
        if not self._listen(self._are_warm, deadline):
            return False
        for copy in self._copies:
            del copy.steps[:-1]
        end = time.monotonic() + self.window_seconds
        return self._listen(lambda: time.monotonic() >= end and self._are_warm(), deadline)

    def _are_warm(self) -> bool:
        return all(len(copy.steps) >= WARM_MESSAGES for copy in self._copies)

    def _listen(self, is_enough: Callable[[], bool], deadline: float) -> bool:
        """Hear all copies until it is enough; False if one ends, or at the deadline."""
        with selectors.DefaultSelector() as selector:
            for copy in self._copies:
                selector.register(copy.process.answers_from, selectors.EVENT_READ, copy)
            while not is_enough():
                PREEMPTION.check()
                if time.monotonic() >= deadline:
                    return False
                if not all(key.data.read_answers() for key, _ in selector.select(timeout=0.2)):
                    return False
        return True

    def _measurement(self) -> ShareMeasurement:
        images = self.job.recipe.batch_size * sum(rate(copy.steps) for copy in self._copies)
        uuid = self.card.entry if self.card.is_slice else self._copies[0].uuid
        return ShareMeasurement(len(self._copies), images, self.memory_share(uuid))
