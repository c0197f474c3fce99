"""The verb that says what a run will do and cost: plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.console import console, errors, print_json, show_rows
from scaling_search.cli.study_runs import chosen_study
from scaling_search.doctor.finding import size
from scaling_search.experiment.capacity import PlannedPlacement
from scaling_search.experiment.plan import Capacity, Plan, SizePlan
from scaling_search.experiment.planning import plan_run
from scaling_search.experiment.training_rates import SecondsRange


def plan_command(
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.FunctionOption = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: Annotated[
        str | None,
        typer.Option(help="As `run` has it; a number may be larger: so many like the first GPU."),
    ] = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    phi: Annotated[
        float | None,
        typer.Option(help="List the family's sizes up to here. [default: the study's largest φ]"),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what a run will train, for how many hours, in how much memory and disk.

    Trains a few steps of three networks to know how fast this machine is, and writes nothing.
    Example: scaling-search plan --preset demo
    """
    chosen = chosen_study(study, preset, function, root, download)
    placement = PlannedPlacement(device, workers, gpus, options.jobs_per_gpu(jobs_per_gpu))
    plan = plan_run(
        chosen, out or Path("runs") / chosen.name, placement, up_to_phi=phi, say=_print_note
    )
    if as_json:
        print_json({**asdict(plan), "trainings_left": plan.trainings_left})
        return
    at_once = f"{plan.capacity.at_once} at a time on {plan.capacity.machine}"
    show_rows(_phase_rows(plan), False, f"{plan.study}: trainings, {at_once}")
    show_rows(
        [_size_row(size_plan) for size_plan in plan.sizes], False, "One training of each size"
    )
    for line in _sentences(plan):
        console.print(line, soft_wrap=True, highlight=False)


def _print_note(text: str) -> None:
    errors.print(text, style="dim", soft_wrap=True, highlight=False)


def _phase_rows(plan: Plan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            **{"phase": phase.phase, "networks": phase.networks, "trainings": phase.trainings},
            **{"in the ledger": phase.done, "time": duration(phase.seconds)},
        }
        for phase in plan.phases
    ]
    trainings = sum(phase.trainings for phase in plan.phases)
    done = trainings - plan.trainings_left
    total = {"phase": "all", "networks": "", "trainings": trainings, "in the ledger": done}
    return [*rows, {**total, "time": duration(plan.seconds)}]


def _size_row(row: SizePlan) -> dict[str, object]:
    return {
        **{"phi": f"{row.phi:g}", "px": row.px, "macs": row.macs, "params": row.params},
        "time": duration(row.seconds),
        "memory": "" if row.memory_bytes is None else size(row.memory_bytes),
        "checkpoints": size(row.disk_bytes),
    }


def _sentences(plan: Plan) -> Iterator[str]:
    if not plan.trainings_left:
        yield "Nothing is left to train."
    if not plan.constants_known:
        yield "The search has not said which constants are compared: those of a candidate stand in."
    if plan.memory_bytes is not None:
        yield _memory(plan.memory_bytes, plan.capacity)
    yield _disk(plan.disk_bytes, plan.capacity.free_bytes)
    if plan.timing_seconds:
        yield (
            f"Then the networks are timed, {plan.timing_seconds:g} s and their warm-up, twice "
            "where times are unstable; that is not in the sum."
        )


def _memory(needed: int, capacity: Capacity) -> str:
    several = f"the largest networks, {capacity.sharing} at once, take"
    subject = several if capacity.sharing > 1 else "the largest network takes"
    mend = ": raise recipe.accumulate, or train fewer at once"
    room = f"of {size(capacity.memory_bytes)}{mend if needed > capacity.memory_bytes else ''}"
    return f"Memory: {subject} {size(needed)} at most, {room}."


def _disk(needed: int, free: int) -> str:
    mend = ": make room, or name another --out" if needed > free else ""
    return f"Disk: checkpoints take {size(needed)} at most, of {size(free)} that are free{mend}."


def duration(seconds: SecondsRange | None) -> str:
    """A time for people, in one unit: "12 min (9 to 15)"; nothing where it isn't known."""
    if seconds is None:
        return "not measured"
    if not seconds.high:
        return "0"
    unit, length = next(
        (bound for bound in (("s", 1), ("min", 60)) if seconds.middle < 100 * bound[1]), ("h", 3600)
    )
    low, middle, high = (
        f"{bound / length:,.0f}" if bound >= 10 * length else f"{bound / length:.2g}"
        for bound in (seconds.low, seconds.middle, seconds.high)
    )
    return f"{middle} {unit} ({low} to {high})"
