"""A timed probe: the steps of three networks' trainings, as many at once as a run trains here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf

from scaling_search.cost.analytic import count
from scaling_search.cost.torch_defaults import one_thread
from scaling_search.experiment.plan import Capacity
from scaling_search.experiment.training_memory import training_memory
from scaling_search.experiment.training_rates import MeasuredNetwork, TrainingRates
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.step_rate import ReadSeconds, StepRate, measure_steps
from scaling_search.jobs.step_rate_copies import Copies

SECONDS = 4.0  # of steps of each network, two at least
# A step of a core should take some seconds at most: of so many multiply-adds, forward and backward.
STEP_MACS = 3e10
LEAST_BATCH = 2  # a batch norm needs two
MEMORY_SHARE = 0.8  # of what there is: a probe must not be what fills it

MeasureSteps = Callable[[TrainJob], StepRate]


@dataclass(frozen=True)
class Probe:
    """What measures the rates; `say` is told what cannot be measured, and what differs from a run.

    `clock` measures one training in this process; else there are as many processes
    as trainings share a memory, in `environment`.
    """

    capacity: Capacity
    say: Callable[[str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    clock: ReadSeconds | None = None
    seconds: float = SECONDS

    def rates(self, jobs: Sequence[TrainJob]) -> TrainingRates | None:
        """The rates, from what trains at all; None where nothing does."""
        if not jobs:
            return None
        together = f", {self.capacity.sharing} at once" if self.capacity.sharing > 1 else ""
        noun = "training" if len(jobs) == 1 else "trainings"
        self.say(f"measuring the steps of {len(jobs)} {noun}{together}")
        with ExitStack() as stack:
            measured = tuple(self._measured(jobs, self._measure(stack)))
        return TrainingRates(measured) if measured else None

    def _measured(
        self, jobs: Sequence[TrainJob], measure: MeasureSteps
    ) -> Iterator[MeasuredNetwork]:
        for job in jobs:
            affordable = self._affordable(job)
            if affordable is None:
                self._leave_out(job, "its step needs more memory than there is")
                continue
            rate = measure(affordable)
            if rate.failure:
                self._leave_out(job, rate.failure)
                continue
            yield MeasuredNetwork(count(job.architecture).macs, rate)

    def _measure(self, stack: ExitStack) -> MeasureSteps:
        """What measures one training; what it needs ends with the stack."""
        if self.clock is None:
            number, device = self.capacity.sharing, self.device
            copies = stack.enter_context(Copies(number, device, self.environment))
            return lambda job: copies.measure(job, self.seconds)
        stack.enter_context(one_thread())
        return partial(measure_steps, device=self.device, clock=self.clock, seconds=self.seconds)

    def _leave_out(self, job: TrainJob, why: str) -> None:
        self.say(f"not measured: {job.architecture.name} ({why}); its time follows from the others")

    def _affordable(self, job: TrainJob) -> TrainJob | None:
        """The training on one part of its batch, a smaller one where a step would take too much."""
        full_batch = job.recipe.batch_size // job.recipe.accumulate
        most = inf
        if self.device == "cpu":
            most = max(8, STEP_MACS / 3 / count(job.architecture).macs)
        batch = int(min(full_batch, most))
        while batch >= LEAST_BATCH and not self._fits(_of_batch(job, batch)):
            batch //= 2
        if batch < min(full_batch, LEAST_BATCH):
            return None
        if batch < full_batch:
            self.say(
                f"{job.architecture.name} is measured at a batch of {batch} instead of {full_batch}"
            )
        return _of_batch(job, batch)

    def _fits(self, job: TrainJob) -> bool:
        taken = training_memory(job)
        room = MEMORY_SHARE * self.capacity.memory_bytes
        return taken is None or taken * self.capacity.sharing <= room


def _of_batch(job: TrainJob, batch: int) -> TrainJob:
    return replace(job, recipe=replace(job.recipe, accumulate=1).at_batch(batch))
