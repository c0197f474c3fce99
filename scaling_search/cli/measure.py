"""The verb that times networks: latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from scaling_search.arch.spec import Architecture
from scaling_search.cli import options
from scaling_search.cli.console import console, show_rows
from scaling_search.core.errors import UserError
from scaling_search.experiment.network_file import network_named
from scaling_search.jobs.environment import chosen_device
from scaling_search.latency.job import BatchSize, Machine, Regime, TimeBudget
from scaling_search.latency.process_runner import machine_of
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Flag, Latency, NetworkTiming, Profile, Timed, Unmeasured
from scaling_search.latency.summary import rank_intervals
from scaling_search.nets.batch_norms import check_batch_norms


def latency_command(
    networks: Annotated[
        list[str],
        typer.Argument(help="Names that `networks` lists, or files of your own (….toml)."),
    ],
    anchor: Annotated[
        str | None, typer.Option(help="The network to compare with. [default: the first]")
    ] = None,
    px: options.Px = None,
    batch: Annotated[str, typer.Option(help="Images at a time, or plateau.")] = "1",
    regime: Annotated[
        str,
        typer.Option(
            help="Words joined by commas: inference or training; float32, tf32, bfloat16 or "
            "float16; channels-last or contiguous; eager, compile or graph."
        ),
    ] = "inference,float32,channels-last,eager",
    processes: Annotated[int, typer.Option(help="Fresh processes.")] = 3,
    seconds: Annotated[float, typer.Option(help="Seconds of measuring for one attempt.")] = 30.0,
    attempts: Annotated[int, typer.Option(help="Tries, while a result is unstable.")] = 2,
    threads: Annotated[int, typer.Option(help="Threads on a CPU.")] = 1,
    device: options.DeviceOption = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Time networks beside an anchor, in randomised blocks and fresh processes.

    Example: scaling-search latency efficientnet-b0 efficientnet-b1 --px 64
    """
    chosen, torch_device = regime_of(regime, batch), chosen_device(device)
    line_up = [network_named(name).fitted(resolution_px=px) for name in networks]
    beside = network_named(anchor).fitted(resolution_px=px) if anchor else None
    _check_batch_norms([*line_up, *([beside] if beside else [])], chosen)
    measured = profile(
        line_up,
        [chosen],
        TimeBudget(seconds, processes, attempts),
        anchor=beside,
        place=Machine(torch_device, machine_of(torch_device), threads),
    )
    if as_json:
        show_rows([_json_row(timing) for timing in measured.results[0].timings], True)
    else:
        _show_latencies(measured)


def _check_batch_norms(networks: Sequence[Architecture], regime: Regime) -> None:
    if regime.task == "training":
        images = 1 if regime.batch == "plateau" else regime.batch
        for network in networks:
            hint = "give --batch 2, or a larger --px"
            check_batch_norms(network, network.resolution_px, images, hint)


def _show_latencies(measured: Profile) -> None:
    result = measured.results[0]
    job = result.job
    title = f"{job.regime.words}; {job.place.machine}; anchor: {job.anchor.name}"
    show_rows(_latency_rows(result), False, title)
    for line in _instability_lines(measured):
        console.print(line, highlight=False)


def regime_of(words: str, batch: str) -> Regime:
    """The regime of "training,bfloat16" and a batch; what is not said is as by default.

    Raises UserError for an unknown word, and for two that exclude each other.
    """
    fields: dict[str, Any] = {"batch": _batch(batch)}
    for word in filter(None, (part.strip() for part in words.split(","))):
        name = next((name for name, choices in _REGIME_WORDS.items() if word in choices), None)
        if name is None:
            every = ", ".join(choice for choices in _REGIME_WORDS.values() for choice in choices)
            raise UserError(f"a regime is made of the words {every}, got {word!r}")
        if fields.setdefault(name, word) != word:
            raise UserError(f"a regime has one {name}, got {fields[name]!r} and {word!r}")
    return Regime(**fields)


_REGIME_WORDS = {
    "task": ("inference", "training"),
    "precision": ("float32", "tf32", "bfloat16", "float16"),
    "memory_format": ("channels-last", "contiguous"),
    "mode": ("eager", "compile", "graph"),
}


def _batch(text: str) -> BatchSize:
    if text == "plateau":
        return "plateau"
    if not text.isdecimal():
        raise UserError(f"batch must be a number, or plateau, got {text!r}")
    return int(text)


def _latency_rows(result: Timed) -> list[dict[str, object]]:
    measured = [timing for timing in result.timings if isinstance(timing, Latency)]
    ranks = iter(rank_intervals(measured))
    return [
        _timed_row(timing, next(ranks)) if isinstance(timing, Latency) else _unmeasured_row(timing)
        for timing in result.timings
    ]


def _unmeasured_row(timing: Unmeasured) -> dict[str, object]:
    unknown = ("batch", "ratio", "95 %", "rank", "median_ms", "95 % (ms)", "images/s", "n")
    row = {"network": timing.network, "px": timing.px, **dict.fromkeys(unknown, "–")}
    return {**row, "flag": timing.reason}


def _timed_row(timing: Latency, rank: tuple[int, int]) -> dict[str, object]:
    first, last = rank
    return {
        **{"network": timing.network, "px": timing.px},
        "batch": timing.batch,
        "ratio": _text(timing.ratio, ".3f"),
        "95 %": f"{_text(timing.ratio_low, '.3f')} to {_text(timing.ratio_high, '.3f')}",
        "rank": str(first) if first == last else f"{first}–{last}",
        "median_ms": f"{timing.median_ms:.3f}",
        "95 % (ms)": f"{timing.low_ms:.3f} to {timing.high_ms:.3f}",
        "images/s": f"{timing.images_per_s:.1f}",
        "n": timing.n,
        "flag": "stable" if timing.stable else ", ".join(f.reason for f in timing.flags),
    }


def _instability_lines(measured: Profile) -> list[str]:
    """Each flag once, with its number; flags of the anchor and of the machine concern all."""
    doubts: dict[Flag, list[str]] = {}
    lines = []
    for timing in measured.timings:
        if isinstance(timing, Latency):
            for flag in timing.flags:
                doubts.setdefault(flag, []).append(timing.network)
            if timing.launch_bound:
                lines.append(f"{timing.network}: the GPU waits for the host; try a CUDA graph")
            if timing.note:
                lines.append(f"{timing.network}: the batch stays at {timing.batch}: {timing.note}")
    shared = [(", ".join(dict.fromkeys(names)), flag) for flag, names in doubts.items()]
    return [
        *(f"unstable, {flag.reason}: {flag.detail} ({names})" for names, flag in shared),
        *lines,
    ]


def _json_row(timing: NetworkTiming) -> dict[str, Any]:
    stable = isinstance(timing, Latency) and timing.stable
    return {**asdict(timing), "stable": stable}


def _text(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec)
