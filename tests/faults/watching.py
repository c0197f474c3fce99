"""What a search in this process trains, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook

from scaling_search.experiment import pipeline
from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.jobs.executor import Event, Started
from scaling_search.jobs.job import TrainJob
from tests.faults.study import STUDY


@dataclass
class Trainings:
    """A listener that knows which trainings began, by hash, and how many steps each took."""

    steps: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    _now: str = ""

    def say(self, text: str) -> None:
        self.said.append(text)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        pass

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._now = event.job.hash
            self.steps[self._now] += 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Within this block every step of an optimiser is counted, and no report is drawn."""
        handle = register_optimizer_step_post_hook(self._count)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "report_of", lambda *_, **__: None)
            yield
        handle.remove()

    def _count(self, *_: object) -> None:
        self.steps[self._now] += 1


def search_in(out: Path) -> Trainings:
    """The study's search in this process, or what is missing of it; what was trained."""
    seen = Trainings()
    with seen.counting():
        pipeline.run(STUDY, out, device="cpu", workers=0, search_only=True, listener=seen)
    return seen
