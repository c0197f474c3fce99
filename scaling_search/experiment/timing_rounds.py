"""Rounds of timing for a latency budget: ask, time what is lacking, ask again.

What is asked is a pure function of the experiment, so an interrupted run goes on with the round
that it was in, and a run that is started again times nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.ledger import Ledger
from scaling_search.latency.job import Machine, TimeJob
from scaling_search.latency.process_runner import in_child
from scaling_search.latency.profile import time_networks
from scaling_search.latency.protocol import SystemClock
from scaling_search.latency.result import Timed
from scaling_search.search.latency_ratios import anchor_failure, doubt, tries_of
from scaling_search.search.resources import UntimedError

# All networks of a job are on the device at once; and so much is lost when a round is interrupted.
MOST_AT_ONCE = 32

Timer = Callable[[TimeJob], Timed]


def on_this_machine(job: TimeJob) -> Timed:
    """Time a job for real."""
    return time_networks(job, in_child, SystemClock())


@dataclass(frozen=True)
class TimingRounds:
    """Where latencies are measured and kept; whoever calls sees to it that nothing trains.

    `rest` is called before each timing: what waits for a next training must not be there either.
    """

    ledger: Ledger
    machine: Machine
    say: Callable[[str], None]
    timer: Timer = on_this_machine
    rest: Callable[[], None] = lambda: None

    def until(self, experiment: Experiment, ask: Callable[[Experiment], object]) -> Experiment:
        """The experiment that knows enough for `ask`; this machine times what it has not yet.

        Raises UserError when the base itself can't be timed.
        """
        timings = list(self.ledger.timings())
        before = len(timings)
        while True:
            experiment = experiment.knowing(timings, self.machine)
            try:
                ask(experiment)
            except UntimedError as lacking:
                for job in self._jobs(experiment, timings, lacking.networks):
                    timings.insert(0, self._timed(job))
            else:
                if len(timings) > before:
                    self._warn(experiment, timings)
                return experiment

    def _jobs(
        self, experiment: Experiment, timings: Sequence[Timed], networks: Sequence[Architecture]
    ) -> Iterator[TimeJob]:
        """What to time next; the seed counts the tries, so that no job is another's repetition."""
        tries = tries_of(timings, experiment.beside_base((), self.machine))
        for first in range(0, len(networks), MOST_AT_ONCE):
            some = networks[first : first + MOST_AT_ONCE]
            most = max(len(tries.get(network.fingerprint, ())) for network in some)
            yield replace(experiment.beside_base(some, self.machine), seed=most)

    def _timed(self, job: TimeJob) -> Timed:
        seconds = f"{job.budget.seconds:g} s and its warm-up"
        where = self.machine.alone
        self.say(f"timing {len(job.networks)} networks{where} for the latency budget: {seconds}")
        self.rest()
        timed = self.timer(job)
        failure = anchor_failure(timed)
        rule = "a latency budget needs a base that can be timed"
        require(not failure, rule, failure, "run the study again, or choose another timing.regime")
        self.ledger.accept(timed.job, timed, {"device": self.machine.machine})
        return timed

    def _warn(self, experiment: Experiment, timings: Sequence[Timed]) -> None:
        tolerance = experiment.study.budget.tolerance
        tries = tries_of(timings, experiment.beside_base((), self.machine))
        doubtful = sum(min(map(doubt, some)) > tolerance for some in tries.values())
        if doubtful:
            self.say(
                f"{doubtful} of {len(tries)} latencies are known less well than the tolerance of "
                f"{tolerance:g}: raise it or timing.seconds, or let nothing else run"
            )
