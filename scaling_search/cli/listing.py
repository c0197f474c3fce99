"""The verbs that train nothing: networks, count, family, datasets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, get_args

import typer

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.cli import options
from scaling_search.cli.show import show_rows
from scaling_search.compare.family import FamilyBudget, Member, family
from scaling_search.cost.analytic import Cost, StageRow, count, stage_rows
from scaling_search.data.load import describe
from scaling_search.data.request import NAMES, DataRequest
from scaling_search.errors import UserError
from scaling_search.search.space import Budget


def networks_command(
    network: Annotated[str | None, typer.Argument(help="Show this network's stages.")] = None,
    px: options.Px = None,
    as_json: options.AsJson = False,
) -> None:
    """List the base networks, their cost and the sides of their feature maps.

    Example: scaling-search networks micro --px 32
    """
    if network is not None:
        count_command(network, px, as_json)
        return
    rows = []
    for name in zoo.names():
        each = zoo.get(name).fitted(resolution_px=px)
        maps = dict.fromkeys(row.output_px for row in stage_rows(each)[:-1])
        sides = " ".join(map(str, maps))
        cost = _shown(count(each))
        rows.append({"network": name, "px": each.resolution_px, **cost, "feature_maps_px": sides})
    show_rows(rows, as_json)


def count_command(
    network: options.Network, px: options.Px = None, as_json: options.AsJson = False
) -> None:
    """Count a network's MACs, parameters and activations, stage by stage.

    Example: scaling-search count efficientnet-b7
    """
    chosen = zoo.get(network).fitted(resolution_px=px)
    rows = [
        {
            **{"stage": row.name, "block": row.block, "repeats": row.repeats},
            **{"channels": row.channels, "output_px": row.output_px},
            **_shown(row),
        }
        for row in stage_rows(chosen)
    ]
    total = dict.fromkeys(rows[0], "") | {"stage": "total", **_shown(count(chosen))}
    title = f"{network} at {chosen.resolution_px} px"
    show_rows([*rows, total], as_json, title)


def family_command(
    network: options.Network,
    alpha: options.Alpha = 1.2,
    beta: options.Beta = 1.1,
    gamma: options.Gamma = 1.15,
    phis: Annotated[str, typer.Option(help="From:to, or a list with commas.")] = "0:7",
    budget: Annotated[str, typer.Option(help="nominal or measured.")] = "nominal",
    growth: Annotated[float, typer.Option(help="Growth of the cost for each φ.")] = 2.0,
    px: options.Px = None,
    as_json: options.AsJson = False,
) -> None:
    """List the networks that constants stand for, with their nominal and real growth.

    Example: scaling-search family efficientnet-b0 --alpha 1.2 --beta 1.1 --gamma 1.15
    """
    kinds: tuple[FamilyBudget, ...] = get_args(FamilyBudget)
    kind = next((kind for kind in kinds if kind == budget), None)
    if kind is None:
        raise UserError(f"budget must be {' or '.join(kinds)}, got {budget!r}")
    base = zoo.get(network).fitted(resolution_px=px)
    point = Coefficients(alpha, beta, gamma)
    members = family(base, point, phis_of(phis), Budget(growth=growth), kind)
    show_rows([_family_row(one, point) for one in members], as_json)


def datasets_command(
    name: Annotated[
        str | None, typer.Argument(help="Check that this one's files are whole.")
    ] = None,
    root: options.Root = None,
    download: options.Download = False,
    as_json: options.AsJson = False,
) -> None:
    """List the data sets, or check one's files and count its images.

    Example: scaling-search datasets fashion-mnist
    """
    if name is None:
        show_rows([{"data set": each} for each in NAMES], as_json)
        return
    info = asdict(describe(DataRequest(name, root=root, download=download)))
    show_rows([{**info, "classes": len(info["classes"])}], as_json)


def phis_of(text: str) -> list[float]:
    """The φ of "0:7" (each whole one, both ends included) or "0,0.5,1"; raises UserError."""
    try:
        if ":" in text:
            low, high = map(int, text.split(":"))
            return [float(phi) for phi in range(low, high + 1)]
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"phis must look like 0:7 or 0,0.5,1, got {text!r}") from None


def _shown(cost: Cost | StageRow) -> dict[str, int]:
    return {"macs": cost.macs, "params": cost.params, "activations": cost.activations}


def _family_row(one: Member, point: Coefficients) -> dict[str, object]:
    stages = one.architecture.stages
    return {
        "phi": one.phi,
        "depth": round(one.multipliers.depth, 3),
        "width": round(one.multipliers.width, 3),
        "px": one.architecture.resolution_px,
        "repeats": "-".join(str(stage.repeats) for stage in stages),
        "channels": "-".join(str(stage.channels) for stage in stages),
        "macs": one.cost.macs,
        "params": one.cost.params,
        "nominal_growth": round(point.nominal_growth**one.phi, 3),
        "growth": round(one.growth, 3),
    }
