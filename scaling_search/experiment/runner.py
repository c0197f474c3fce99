"""What brings the missing jobs of a run to their results, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from scaling_search.arch.spec import Architecture
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.data.cache import make_cache_folder
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.remaining_work import RemainingWork, search_to_come, work_in
from scaling_search.experiment.time_limit import TimeLimit
from scaling_search.experiment.timing_rounds import TimingRounds
from scaling_search.jobs.batch_norms import check_steps
from scaling_search.jobs.environment import where_in
from scaling_search.jobs.executor import Ended, Event, Executor, NextJob, jobs_in_order
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished
from scaling_search.jobs.retry import Circumstances
from scaling_search.latency.job import Machine
from scaling_search.latency.process_runner import in_child, machine_of
from scaling_search.latency.profile import time_networks
from scaling_search.latency.protocol import SystemClock
from scaling_search.search.search import Search, SearchState


class ProgressListener(Protocol):
    """Who is told what goes on; the command line draws it."""

    def say(self, text: str) -> None:
        """A line for the reader, or what is being prepared."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """These jobs are about to run, and so much is expected after them."""

    def event(self, event: Event) -> None:
        """A job began, ended an epoch, or ended."""


class NullListener:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """Ignore it."""

    def event(self, event: Event) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Runner:
    """What brings the missing jobs to their results."""

    experiment: Experiment
    ledger: Ledger
    executor: Executor
    device: str
    environment: dict[str, str]
    listener: ProgressListener
    circumstances: Circumstances
    limit: TimeLimit | None = None

    def finish(
        self,
        name: str,
        jobs: Iterable[TrainJob],
        later: Callable[[], RemainingWork] = RemainingWork,
        reserved_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Run what is missing of these jobs, the longest first so that no core waits at the end.

        Under a limit of hours one seed of all comes before the next, small networks first so that
        some φ is whole, and what would not end `reserved_seconds` before that is left out. `later`
        says what is expected after them, and is asked only where something is missing.
        """
        missing = [job for job in jobs if self.ledger.get(job) is None]
        missing.sort(key=lambda job: -job.mac_images)
        if self.limit is not None:
            missing.sort(key=lambda job: (not job.reads_test, job.seed, job.mac_images))
        if not missing:
            return
        check_steps(missing)
        self._announce(name, missing, later())
        self._run(jobs_in_order(job for job in missing if self._fits(job, reserved_seconds)))

    def _fits(self, job: TrainJob, reserved_seconds: Callable[[], float]) -> bool:
        return self.limit is None or self.limit.fits(job, self.experiment.info, reserved_seconds())

    def note_environment(self) -> None:
        """Write the environment down: when something is trained, not on every start.

        It says what the results were obtained with.
        """
        write_atomically(self.ledger.path.with_name("environment.json"), as_json(self.environment))

    def knowing(self, ask: Callable[[Experiment], object]) -> Runner:
        """This runner once `ask` finds every latency that the budget needs; nothing may train."""
        if not self.experiment.study.asks_latency:
            return self
        machine = Machine(self.device, machine_of(self.device))
        rounds = TimingRounds(self.ledger, machine, self.listener.say, rest=self.executor.rest)
        return replace(self, experiment=rounds.until(self.experiment, ask))

    def time(self, networks: list[Architecture]) -> None:
        """Time the networks, unless this machine has timed them; nothing trains beside it."""
        if not networks or not self.experiment.study.timing.seconds:
            return
        machine = Machine(self.device, machine_of(self.device))
        job = self.experiment.time_job(networks, machine)
        if self.ledger.get(job) is None and self._has_room(job.budget.seconds):
            seconds = f"{job.budget.seconds:g} s and its warm-up"
            self.listener.say(
                f"timing {len(networks)} networks{machine.alone}: {seconds}, "
                "again if it is unstable"
            )
            self.executor.rest()
            timed = time_networks(job, in_child, SystemClock())
            self.ledger.accept(job, timed, {"device": machine.machine})

    def _has_room(self, seconds: float) -> bool:
        return self.limit is None or self.limit.has_room(seconds)

    def search(
        self,
        later: Callable[[], RemainingWork] = RemainingWork,
        reserved_seconds: Callable[[], float] = lambda: 0.0,
    ) -> Search:
        """Run the search to its end; every result so far decides on the next training.

        Under a limit of hours it stops once the next one would not end `reserved_seconds` before
        that.
        """
        search = self.experiment.search(self.ledger.get)
        check_steps(_of_smallest_images(search))
        announced: set[str] = set()
        begun: set[str] = set()

        is_over, afterwards = False, lru_cache(later)

        def following() -> TrainJob | None:
            nonlocal is_over
            job = None if is_over else search.next_job(begun)
            if job is None:
                return None
            if not self._fits(job, reserved_seconds):
                is_over = True
                return None
            if job.hash not in announced:
                state = search.state()
                announced.update([job.hash, *(each.hash for each in state.missing)])
                self._announce_state(search, state, afterwards())
            begun.add(job.hash)
            return job

        self._run(following)
        return search

    def _announce_state(
        self, search: Search, state: SearchState, afterwards: RemainingWork
    ) -> None:
        plan = self.experiment.study.search
        later = work_in(search_to_come(self.experiment, search, state)) + afterwards
        name = f"search, rung {len(state.rungs)} of {len(plan.rungs)}"
        if plan.seeds == "adaptive":
            name = "search, the training worth most"
        self._announce(name, state.missing, later)

    def _announce(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        make_cache_folder()  # what can't be kept is said before anything has begun
        self.note_environment()
        self.listener.phase(name, jobs, later)

    def _run(self, source: NextJob) -> None:
        for event in self.executor.run(source):
            if self.limit is not None:
                self.limit.event(event)
            if isinstance(event, Ended):
                where = {**where_in(self.environment), **(event.where or {})}
                failed = not isinstance(event.result, Finished)
                noted = {**where, **self.circumstances.noted} if failed else where
                self.ledger.accept(event.job, event.result, noted)
            self.listener.event(event)


def _of_smallest_images(search: Search) -> list[TrainJob]:
    """A training a rung of the candidate whose images, and so feature maps, are the smallest."""
    sides = [candidate.architecture.resolution_px for candidate in search.pool]
    index = sides.index(min(sides))
    return [
        search.job(number, index, rung.first_seed) for number, rung in enumerate(search.plan.rungs)
    ]
