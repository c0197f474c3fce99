"""The verb that says what a run will do and cost: plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.output import console, errors, print_json, show_rows
from scaling_search.cli.run import chosen_study
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
    found = plan_run(chosen, out or Path("runs") / chosen.name, placement, up_to_phi=phi, say=_say)
    if as_json:
        print_json({**asdict(found), "trainings_left": found.trainings_left})
        return
    at_once = f"{found.capacity.at_once} at a time on {found.capacity.machine}"
    show_rows(_phase_rows(found), False, f"{found.study}: trainings, {at_once}")
    show_rows([_size_row(each) for each in found.sizes], False, "One training of each size")
    for line in _sentences(found):
        console.print(line, soft_wrap=True, highlight=False)


def _say(text: str) -> None:
    errors.print(text, style="dim", soft_wrap=True, highlight=False)


def _phase_rows(found: Plan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            **{"phase": each.phase, "networks": each.networks, "trainings": each.trainings},
            **{"in the ledger": each.done, "time": duration(each.seconds)},
        }
        for each in found.phases
    ]
    trainings = sum(each.trainings for each in found.phases)
    done = trainings - found.trainings_left
    whole = {"phase": "all", "networks": "", "trainings": trainings, "in the ledger": done}
    return [*rows, {**whole, "time": duration(found.seconds)}]


def _size_row(row: SizePlan) -> dict[str, object]:
    return {
        **{"phi": f"{row.phi:g}", "px": row.px, "macs": row.macs, "params": row.params},
        "time": duration(row.seconds),
        "memory": "" if row.memory_bytes is None else size(row.memory_bytes),
        "checkpoints": size(row.disk_bytes),
    }


def _sentences(found: Plan) -> Iterator[str]:
    if not found.trainings_left:
        yield "Nothing is left to train."
    if not found.constants_known:
        yield "The search has not said which constants are compared: those of a candidate stand in."
    if found.memory_bytes is not None:
        yield _memory(found.memory_bytes, found.capacity)
    yield _disk(found.disk_bytes, found.capacity.free_bytes)
    if found.timing_seconds:
        yield (
            f"Then the networks are timed, {found.timing_seconds:g} s and their warm-up, twice "
            "where times are unstable; that is not in the sum."
        )


def _memory(taken: int, capacity: Capacity) -> str:
    several = f"the largest networks, {capacity.sharing} at once, take"
    who = several if capacity.sharing > 1 else "the largest network takes"
    mend = ": raise recipe.accumulate, or train fewer at once"
    room = f"of {size(capacity.memory_bytes)}{mend if taken > capacity.memory_bytes else ''}"
    return f"Memory: {who} {size(taken)} at most, {room}."


def _disk(taken: int, free: int) -> str:
    mend = ": make room, or name another --out" if taken > free else ""
    return f"Disk: checkpoints take {size(taken)} at most, of {size(free)} that are free{mend}."


def duration(seconds: SecondsRange | None) -> str:
    """A time for people, in one unit: "12 min (9 to 15)"; nothing where it isn't known."""
    if seconds is None:
        return "not measured"
    if not seconds.high:
        return "0"
    unit, length = next(
        (each for each in (("s", 1), ("min", 60)) if seconds.middle < 100 * each[1]), ("h", 3600)
    )
    low, middle, high = (
        f"{each / length:,.0f}" if each >= 10 * length else f"{each / length:.2g}"
        for each in (seconds.low, seconds.middle, seconds.high)
    )
    return f"{middle} {unit} ({low} to {high})"
