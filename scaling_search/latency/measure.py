"""One process's work: load the line-up, warm up, then blocks in random order until time is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from scaling_search.arch.spec import Architecture
from scaling_search.latency.job import (
    PLATEAU,
    ProcessRun,
    Reading,
    Regime,
    Sample,
    TimeJob,
    WarmUp,
)
from scaling_search.latency.protocol import Clock, Device, DeviceFullError, Program

WARM_UP_ITERATIONS = 10
SETTLED = 0.01  # two windows' medians this close are steady
PLATEAU_GAIN = 0.03
LARGEST_BATCH = 4096
MIN_BLOCKS = 4
# A turn is long enough for its median to mean something, and short enough for many blocks.
TURN_SECONDS = 0.1
TURN_ITERATIONS = (3, 50)
WARM_UP_SHARE = 0.25


@dataclass(frozen=True)
class _Seated:
    """A network that is ready: its index in the line-up, and how many iterations make a turn."""

    place: int
    program: Program
    iterations: int


def measure(
    job: TimeJob, process: int, batches: tuple[int, ...] | None, device: Device, clock: Clock
) -> ProcessRun:
    """Time the line-up; `batches` are those of an earlier process, else they are found here.

    What does not fit the device is a seat with a failure; the others go on without it.
    """
    seats, seated = [], []
    patience = WARM_UP_SHARE * job.budget.sitting_seconds / len(job.line_up)
    for index, network in enumerate(job.line_up):
        batch = batches[index] if batches else None
        seat, program, times = _seat(network, job.regime, batch, device, clock, patience)
        seats.append(seat)
        if program is not None:
            seated.append(_Seated(index, program, turn_iterations(times)))
    rng = np.random.default_rng((job.seed, process))
    device.read()  # what came before the blocks is not theirs
    visits, readings = _blocks(seated, rng, job.budget.sitting_seconds, device, clock)
    peaks = {loaded.place: loaded.program.peak_bytes() for loaded in seated}
    return ProcessRun(
        tuple(replace(seat, peak_bytes=peaks.get(index)) for index, seat in enumerate(seats)),
        visits,
        readings,
        device.conditions(),
    )


def warm_up_program(
    program: Program, clock: Clock, patience: float
) -> tuple[int, bool, list[float]]:
    """Run until two windows of ten agree within 1 %, or for so many seconds.

    Returns the iterations, whether they settled, and the last window's times in ms.
    """
    began, count = clock.wall(), WARM_UP_ITERATIONS
    before = list(program.run(WARM_UP_ITERATIONS).times_ms)
    while True:
        if clock.wall() - began > patience:
            return count, False, before
        window = list(program.run(WARM_UP_ITERATIONS).times_ms)
        count += WARM_UP_ITERATIONS
        if abs(median(window) / median(before) - 1) <= SETTLED:
            return count, True, window
        before = window


def turn_iterations(times_ms: Sequence[float]) -> int:
    """How many iterations make a turn of about a tenth of a second.

    Examples:
        >>> from scaling_search.latency.measure import turn_iterations
        >>> turn_iterations([5.0, 5.2, 4.9])  # milliseconds
        20
    """
    least, most = TURN_ITERATIONS
    return max(least, min(most, round(1e3 * TURN_SECONDS / median(times_ms))))


def plateau(network: Architecture, regime: Regime, device: Device) -> tuple[int, str]:
    """The batch from which doubling gains less than 3 % images/s, and what ended the search.

    Raises DeviceFullError when not even one image fits.
    """
    batch, rate = 1, _images_per_ms(network, regime, device, 1)
    while batch < LARGEST_BATCH:
        try:
            doubled = _images_per_ms(network, regime, device, 2 * batch)
        except DeviceFullError as error:
            return batch, f"out of memory at batch {2 * batch}: {error}"
        if doubled < (1 + PLATEAU_GAIN) * rate:
            return batch, f"batch {2 * batch} gains {100 * (doubled / rate - 1):+.1f} %"
        batch, rate = 2 * batch, doubled
    return batch, f"no batch over {LARGEST_BATCH} is tried"


def _images_per_ms(network: Architecture, regime: Regime, device: Device, batch: int) -> float:
    program = device.load(network, regime, batch)
    program.run(3)
    return batch / median(program.run(5).times_ms)


def _seat(
    network: Architecture,
    regime: Regime,
    fixed_batch: int | None,
    device: Device,
    clock: Clock,
    patience: float,
) -> tuple[WarmUp, Program | None, list[float]]:
    batch, limit = fixed_batch or 1, ""
    try:
        if fixed_batch is None:
            batch, limit = _batch(network, regime, device)
        program = device.load(network, regime, batch)
        iterations, settled, times = warm_up_program(program, clock, patience)
    except DeviceFullError as error:
        return WarmUp(batch, failure=f"out of memory at batch {batch}: {error}"), None, []
    return WarmUp(batch, iterations, settled, limit=limit), program, times


def _batch(network: Architecture, regime: Regime, device: Device) -> tuple[int, str]:
    if regime.batch == PLATEAU:
        return plateau(network, regime, device)
    return int(regime.batch), ""


def _blocks(
    seated: Sequence[_Seated],
    rng: np.random.Generator,
    seconds: float,
    device: Device,
    clock: Clock,
) -> tuple[tuple[Sample, ...], tuple[Reading, ...]]:
    visits: list[Sample] = []
    readings: list[Reading] = []
    began = clock.wall()
    while seated and (clock.wall() - began < seconds or len(readings) < MIN_BLOCKS):
        for index in rng.permutation(len(seated)):
            seat = seated[index]
            seat.program.run(1)  # untimed: brings back into the caches what others drove out
            turn = seat.program.run(seat.iterations)
            visits.append(
                Sample(seat.place, len(readings), turn.times_ms, turn.host_ms, turn.wall_ms)
            )
        readings.append(device.read())
    return tuple(visits), tuple(readings)
