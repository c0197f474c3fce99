"""What brings the missing jobs of a run to their results, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from scaling_search.arch.spec import Architecture
from scaling_search.cost.latency.processes import in_child, machine_of
from scaling_search.cost.latency.profile import time_networks
from scaling_search.cost.latency.protocol import SystemClock
from scaling_search.cost.latency.values import Place
from scaling_search.files import as_json, write_atomically
from scaling_search.jobs.environment import where_in
from scaling_search.jobs.executor import Ended, Event, Executor, Source, each_of
from scaling_search.jobs.job import Finished, TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.retry import Circumstances
from scaling_search.outlook import Work, after_state
from scaling_search.search.search import Search, SearchState
from scaling_search.setting import Setting
from scaling_search.timing_rounds import Rounds


class Watch(Protocol):
    """Who is told what goes on; the command line draws it."""

    def say(self, text: str) -> None:
        """A line for the reader, or what is being prepared."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: Work) -> None:
        """These jobs are about to run, and so much is expected after them."""

    def event(self, event: Event) -> None:
        """A job began, ended an epoch, or ended."""


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def phase(self, name: str, jobs: Sequence[TrainJob], later: Work) -> None:
        """Ignore it."""

    def event(self, event: Event) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Drive:
    """What brings the missing jobs to their results."""

    setting: Setting
    ledger: Ledger
    executor: Executor
    device: str
    environment: dict[str, str]
    watch: Watch
    circumstances: Circumstances

    def finish(self, name: str, jobs: Iterable[TrainJob], later: Work) -> None:
        """Run what is missing of these jobs, the longest first so that no core waits at the end."""
        missing = [job for job in jobs if self.ledger.get(job) is None]
        missing.sort(key=lambda job: -job.mac_images)
        if not missing:
            return
        self.note_environment()
        self.watch.phase(name, missing, later)
        self._run(each_of(missing))

    def note_environment(self) -> None:
        """Write the environment down: when something is trained, not on every start.

        It says what the results were obtained with.
        """
        write_atomically(self.ledger.path.with_name("environment.json"), as_json(self.environment))

    def knowing(self, ask: Callable[[Setting], object]) -> Drive:
        """This drive once `ask` finds every latency that the budget needs; nothing may train."""
        if not self.setting.study.asks_latency:
            return self
        place = Place(self.device, machine_of(self.device))
        rounds = Rounds(self.ledger, place, self.watch.say)
        return replace(self, setting=rounds.until(self.setting, ask))

    def time(self, networks: list[Architecture]) -> None:
        """Time the networks, unless this machine has timed them; nothing trains beside it."""
        if not networks or not self.setting.study.timing.seconds:
            return
        place = Place(self.device, machine_of(self.device))
        job = self.setting.time_job(networks, place)
        if self.ledger.timed(job) is None:
            seconds = f"{job.budget.seconds:g} s and its warm-up"
            self.watch.say(f"timing {len(networks)} networks: {seconds}, again if it is unstable")
            timed = time_networks(job, in_child, SystemClock())
            self.ledger.accept_timed(timed, {"device": place.machine})

    def search(self, afterwards: Work) -> Search:
        """Run the search to its end; every result so far decides on the next training."""
        search = self.setting.search(self.ledger.get)
        announced: set[str] = set()
        begun: set[str] = set()

        def following() -> TrainJob | None:
            job = search.next_job(begun)
            if job is None:
                return None
            if job.hash not in announced:
                state = search.state()
                announced.update([job.hash, *(each.hash for each in state.missing)])
                self._announce_state(state, afterwards)
            begun.add(job.hash)
            return job

        self._run(following)
        return search

    def _announce_state(self, state: SearchState, afterwards: Work) -> None:
        plan = self.setting.study.search
        later = after_state(self.setting, state) + afterwards
        name = f"search, rung {len(state.rungs)} of {len(plan.rungs)}"
        if plan.seeds == "adaptive":
            name = "search, the training worth most"
        self._announce(name, state.missing, later)

    def _announce(self, name: str, jobs: Sequence[TrainJob], later: Work) -> None:
        self.note_environment()
        self.watch.phase(name, jobs, later)

    def _run(self, source: Source) -> None:
        for event in self.executor.run(source):
            if isinstance(event, Ended):
                where = event.where or where_in(self.environment)
                failed = not isinstance(event.result, Finished)
                noted = {**where, **self.circumstances.noted} if failed else where
                self.ledger.accept(event.job, event.result, noted)
            self.watch.event(event)
