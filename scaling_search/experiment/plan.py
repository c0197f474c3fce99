"""What a run will do and cost, before it starts: a pure function of study, results and rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil
from operator import add

from scaling_search.compare.family import Member, family
from scaling_search.cost.analytic import count
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases import PlannedPhase, planned_phases
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.training_memory import resident_bytes, training_memory
from scaling_search.experiment.training_rates import SecondsRange, TrainingRates, elapsed
from scaling_search.jobs.disk_use import FILES_A_TRAINING, disk_bytes, state_bytes
from scaling_search.jobs.job import TrainJob


@dataclass(frozen=True)
class Capacity:
    """What there is to train on: `at_once` trainings at a time, `sharing` of them in one memory.

    `memory_bytes` is that memory: a card's, or the machine's. `free_bytes` are the disk's.
    """

    device: str
    machine: str
    at_once: int
    sharing: int
    memory_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class PhasePlan:
    """A phase: its trainings, how many have their results, and the time for the others.

    `seconds` is None where nothing was measured.
    """

    phase: str
    networks: int
    trainings: int
    done: int
    seconds: SecondsRange | None


@dataclass(frozen=True)
class SizePlan:
    """The family's network of a φ: its cost, and one training of it in the comparison.

    `memory_bytes` is None for a function of the user's; `disk_bytes` are its checkpoints'.
    """

    phi: float
    px: int
    macs: int
    params: int
    seconds: SecondsRange | None
    memory_bytes: int | None
    disk_bytes: int


@dataclass(frozen=True)
class Plan:
    """What a run will do and cost.

    `memory_bytes` is what the largest training takes, times those that share its memory;
    `constants_known`: the comparison's networks are not stood in for by a middle candidate's.
    """

    study: str
    capacity: Capacity
    phases: tuple[PhasePlan, ...]
    sizes: tuple[SizePlan, ...]
    seconds: SecondsRange | None
    memory_bytes: int | None
    disk_bytes: int
    constants_known: bool
    timing_seconds: float

    @property
    def trainings_left(self) -> int:
        """How many trainings have no result yet."""
        return sum(phase.trainings - phase.done for phase in self.phases)


def plan(
    state: RunState,
    rates: TrainingRates | None,
    capacity: Capacity,
    up_to_phi: float | None = None,
) -> Plan:
    """The plan of a run as far as its results reach, at these rates (None: without hours).

    The family's sizes are listed up to φ = `up_to_phi` (None: the study's largest). Raises
    UntimedError.
    """
    experiment, phases = state.experiment, planned_phases(state)
    rows = tuple(_phase(experiment, each, rates, capacity) for each in phases)
    sizes = tuple(_sizes(state, rates, capacity, up_to_phi))
    left = [portion for phase in phases for portion in phase.left]
    states = [state_bytes(p.job) for p in left for _ in range(ceil(p.count) if p.share else 0)]
    times = [row.seconds for row in rows if row.seconds is not None]
    timing = experiment.study.timing.seconds
    return Plan(
        study=experiment.study.name,
        capacity=capacity,
        phases=rows,
        sizes=sizes,
        seconds=reduce(add, times, SecondsRange()) if times or not left else None,
        memory_bytes=_largest(experiment, state.members, capacity),
        disk_bytes=disk_bytes(states) if states else 0,
        constants_known=state.is_concluded,
        timing_seconds=timing,
    )


def jobs_to_measure(phases: Sequence[PlannedPhase]) -> tuple[TrainJob, ...]:
    """Of the trainings that are left those of the smallest, a middle and the largest network.

    The middle one is the nearest to the geometric mean of the two MACs. In the order of their MACs.
    """
    left = {count(p.job.architecture).macs: p.job for e in phases for p in e.left if p.share}
    if not left:
        return ()
    middle = (min(left) * max(left)) ** 0.5
    nearest = min(left, key=lambda macs: max(macs / middle, middle / macs))
    return tuple(left[macs] for macs in sorted({min(left), nearest, max(left)}))


def _phase(
    experiment: Experiment,
    phase: PlannedPhase,
    rates: TrainingRates | None,
    capacity: Capacity,
) -> PhasePlan:
    seconds = None
    if not phase.left:
        seconds = SecondsRange()
    elif rates is not None:
        info = experiment.info
        seconds = elapsed(
            [(p.count, rates.training(p.job, info, p.share)) for p in phase.left],
            capacity.at_once,
        )
        most = phase.most_seconds / capacity.at_once
        seconds = SecondsRange(
            min(most, phase.least * seconds.low), min(most, seconds.middle), min(most, seconds.high)
        )
    return PhasePlan(phase.name, phase.networks, phase.trainings, phase.done, seconds)


def _sizes(
    state: RunState, rates: TrainingRates | None, capacity: Capacity, up_to_phi: float | None
) -> Iterator[SizePlan]:
    experiment, study = state.experiment, state.experiment.study
    compared = {0.0, *study.compare.phis}
    last = max(compared) if up_to_phi is None else up_to_phi
    phis = sorted({*(phi for phi in compared if phi <= last), *map(float, range(int(last) + 1))})
    kind, meter = study.compare.family, experiment.meter
    for member in family(experiment.base, state.coefficients, phis, study.budget, kind, meter):
        job = _comparison_job(experiment, member)
        cost = member.cost
        yield SizePlan(
            phi=member.phi,
            px=member.architecture.resolution_px,
            macs=cost.macs,
            params=cost.params,
            seconds=None if rates is None else rates.training(job, experiment.info),
            memory_bytes=_memory(experiment, job, capacity),
            disk_bytes=FILES_A_TRAINING * state_bytes(job),
        )


def _comparison_job(experiment: Experiment, member: Member) -> TrainJob:
    seed = experiment.study.compare.first_seed
    return experiment.compare_job(member.architecture, seed, member.phi)


def _largest(experiment: Experiment, members: Sequence[Member], capacity: Capacity) -> int | None:
    """The most that any network of the largest φ takes, times those that share a memory."""
    last = max(member.phi for member in members)
    jobs = [_comparison_job(experiment, each) for each in members if each.phi == last]
    memories = [_memory(experiment, job, capacity) for job in jobs]
    measured = [each for each in memories if each is not None]
    return capacity.sharing * max(measured) if measured else None


def _memory(experiment: Experiment, job: TrainJob, capacity: Capacity) -> int | None:
    taken = training_memory(job)
    if taken is None or capacity.device == "cpu":  # whose images lie in a mapped file
        return taken
    return taken + resident_bytes(job, experiment.info)
