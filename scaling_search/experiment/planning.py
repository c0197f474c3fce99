"""The plan of a run on this machine: its images, what its ledger has, a probe, and what follows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from scaling_search.core.errors import require
from scaling_search.cost.torch_defaults import torch_defaults
from scaling_search.data.load import describe
from scaling_search.experiment.beginning import found_weights
from scaling_search.experiment.capacity import PlannedMachine, PlannedPlacement, planned_machine
from scaling_search.experiment.chosen_precision import with_likely_precision
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases import planned_phases
from scaling_search.experiment.plan import Plan, jobs_to_measure, plan
from scaling_search.experiment.planned_sizes import check_planned_sizes
from scaling_search.experiment.rate_probe import SECONDS, Probe
from scaling_search.experiment.run_state import RunState, by_macs
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_paths import with_absolute_paths
from scaling_search.jobs.executor import default_workers
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.step_rate import ReadSeconds
from scaling_search.search.resources import UntimedError

Say = Callable[[str], None]


@torch_defaults()
def plan_run(
    study: Study,
    out: Path,
    placement: PlannedPlacement | None = None,
    *,
    up_to_phi: float | None = None,
    seconds: float = SECONDS,
    clock: ReadSeconds | None = None,
    say: Say = lambda _: None,
) -> Plan:
    """What a run of this study in `out` would do and cost; nothing is written there.

    The steps of three networks are trained for so many `seconds` each: in processes, as a run
    does, or with a `clock` in this one. Raises UserError for a request that can't be met.
    """
    rule = "a plan's largest φ must lie in 0 to 20"
    require(up_to_phi is None or 0 <= up_to_phi <= 20, rule, up_to_phi)
    placement = placement or PlannedPlacement()
    machine = planned_machine(placement, out, say)
    study = with_absolute_paths(study)
    info = describe(study.data, report=say)
    for note in info.notes:
        say(note)
    experiment = Experiment(study, info, initial=found_weights(study, info, say))
    likely = with_likely_precision(experiment, out, machine.card is None, say)
    state = _plannable(likely, out, say)
    check_planned_sizes(state)
    if busy := busy_words(*os.getloadavg()[:1], default_workers("cpu")):
        say(busy)
    probe = _probe(machine, placement, seconds, clock, say)
    rates = probe.rates(jobs_to_measure(planned_phases(state)))
    return plan(state, rates, machine.capacity, up_to_phi)


def _plannable(experiment: Experiment, out: Path, say: Say) -> RunState:
    """The run as far as its ledger reaches, of an experiment whose networks can all be told."""
    ledger = out / "ledger.jsonl"
    there = Ledger.snapshot(ledger) if ledger.is_file() else None
    find = _nothing if there is None else there.get
    if there is not None:
        experiment = experiment.knowing(there.timings())
    state = RunState(experiment, find)
    try:
        planned_phases(state)
    except UntimedError:
        say("a run measures latencies first: until then networks of equal MACs stand in")
        return RunState(by_macs(experiment), find)
    return state


def busy_words(load: float, cores: int) -> str:
    """What to say of a machine that others use; nothing where they leave it be.

    Examples:
        >>> from scaling_search.experiment.planning import busy_words
        >>> busy_words(9.8, 2).partition(": ")[0]
        'other programs keep this machine busy (load 9.8 on 2 cores)'
    """
    if load < 1.25 * cores:
        return ""
    noun = "core" if cores == 1 else "cores"
    busy = f"other programs keep this machine busy (load {load:.1f} on {cores} {noun})"
    return f"{busy}: times are those beside them"


def _nothing(_: TrainJob) -> None:
    return None


def _probe(
    machine: PlannedMachine,
    placement: PlannedPlacement,
    seconds: float,
    clock: ReadSeconds | None,
    say: Say,
) -> Probe:
    """What measures: processes, each with the card alone, or this one where a run trains in it."""
    if clock is None and placement.workers == 0:
        clock = time.perf_counter
    device, environment = machine.capacity.device, dict[str, str]()
    if machine.card is not None:
        device = machine.card.device
        if clock is None:
            device, environment = "cuda:0", machine.card.environment
    return Probe(machine.capacity, say, environment, device, clock, seconds)
