"""The verb that counts a network, and holds three counters together: count."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from scaling_search.arch.spec import Architecture
from scaling_search.cli import options
from scaling_search.cli.console import show_rows
from scaling_search.cost.analytic import Cost, StageRow, count, stage_rows
from scaling_search.cost.training_macs import training_macs
from scaling_search.experiment.network_file import network_named


def count_command(
    network: options.NetworkArgument,
    px: options.Px = None,
    checked: Annotated[
        bool, typer.Option("--check", help="Hold three counters together; exit 1 if they differ.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Count a network's MACs, parameters and activations, stage by stage.

    Example: scaling-search count efficientnet-b7
    """
    chosen = network_named(network).fitted(resolution_px=px)
    title = f"{chosen.name} at {chosen.resolution_px} px"
    if checked:
        _show_agreement(chosen, title, as_json)
        return
    rows = [
        {
            **{"stage": row.name, "block": row.block, "repeats": row.repeats},
            **{"channels": row.channels, "output_px": row.output_px},
            **_numbers(row, as_json),
        }
        for row in stage_rows(chosen)
    ]
    total = dict.fromkeys(rows[0], "") | {"stage": "total", **_numbers(count(chosen), as_json)}
    show_rows([*rows, total], as_json, title)
    if not as_json:
        show_rows(_kind_rows(chosen), False, "one image")


def _show_agreement(network: Architecture, title: str, as_json: bool) -> None:
    from scaling_search.cost.counter_agreement import counter_agreement

    agreement = counter_agreement(network)
    walk = {"elements of all other layers": agreement.analytic_elementwise}
    counted = [
        ("analytic walk", agreement.analytic_macs, walk),
        ("torch", agreement.torch_macs, agreement.torch_left_out),
        ("fvcore, conv + linear", agreement.fvcore_macs, agreement.fvcore_left_out),
    ]
    rows: list[dict[str, object]] = [
        {"counter": name, "macs": macs, "left_out": out if as_json else _list_text(out)}
        for name, macs, out in counted
    ]
    show_rows(rows, as_json, title)
    if not agreement.agree:
        raise typer.Exit(1)


def _list_text(left_out: dict[str, int]) -> str:
    return ", ".join(f"{name} {times:,}" for name, times in left_out.items())


def _numbers(cost: Cost | StageRow, everything: bool) -> dict[str, int]:
    brief = {"macs": cost.macs, "params": cost.params, "activations": cost.activations}
    if not everything:
        return brief
    return {**brief, **{k: v for k, v in asdict(cost).items() if k.endswith(("_macs", "wise"))}}


def _kind_rows(network: Architecture) -> list[dict[str, object]]:
    # Brings torch, which a shell that completes the network's name does without.
    from scaling_search.cost.memory import peak_memory

    cost, training = count(network), training_macs(network)
    kinds = {f"MACs, {k.replace('_', '-')}": v for k, v in cost.macs_by_kind.items() if v}
    inference, step = (peak_memory(network, task) for task in ("inference", "training"))
    facts = {
        **kinds,
        "MACs, training step": training.total,
        "elements of all other layers": cost.elementwise,
        "peak bytes, inference": inference.total_bytes,
        "peak bytes, training step": step.total_bytes,
    }
    return [{"name": name, "value": value} for name, value in facts.items()]
