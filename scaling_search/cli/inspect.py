"""The verbs that list: networks, family, datasets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, get_args

import typer

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients, Multipliers
from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import Fitted, fit_strides, last_map_px, small_map_warning
from scaling_search.cli import options
from scaling_search.cli.console import errors, show_rows
from scaling_search.compare.family import FamilyBudget, family
from scaling_search.compare.official import side_by_side
from scaling_search.core.errors import UserError, require
from scaling_search.core.pixel_rules import PIXEL_RULES
from scaling_search.cost.analytic import count, stage_rows
from scaling_search.data.request import DATASETS, OF_FILES
from scaling_search.experiment.network_file import network_named
from scaling_search.search.space import Budget

MOST_PHIS = 1000


def networks_command(
    network: Annotated[
        str | None,
        typer.Argument(help="Show this network's stages.", autocompletion=zoo.network_names),
    ] = None,
    px: options.Px = None,
    as_json: options.AsJson = False,
) -> None:
    """List the base networks, their cost and the sides of their feature maps.

    With --px, early strides are dropped where the last map would be less than 4 px (a study does
    the same with fit_strides = true). Example: scaling-search networks micro --px 32
    """
    names = zoo.network_names() if network is None else (network,)
    fitted = [_fitted(network_named(name), px) for name in names]
    rows = [_network_row(network_fit) for network_fit in fitted]
    if network is not None and not as_json:
        show_rows(_stages(fitted[0].architecture), False)
    show_rows(rows, as_json)
    for warning in filter(
        None, (small_map_warning(network_fit.architecture) for network_fit in fitted)
    ):
        errors.print(warning, soft_wrap=True, highlight=False)


def family_command(
    network: options.NetworkArgument,
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

    For EfficientNet-B0 the official B0 to B7 follow, each at the φ that fits it best. Example:
    scaling-search family efficientnet-b0 --alpha 1.2 --beta 1.1 --gamma 1.15
    """
    kinds: tuple[FamilyBudget, ...] = get_args(FamilyBudget)
    kind = next((kind for kind in kinds if kind == budget), None)
    if kind is None:
        raise UserError(f"budget must be {' or '.join(kinds)}, got {budget!r}")
    base = network_named(network).fitted(resolution_px=px)
    point = Coefficients(alpha, beta, gamma)
    members = family(base, point, phis_of(phis), Budget(growth=growth), kind)
    rows = [
        _family_row(member.architecture, member.multipliers, member.phi, base) for member in members
    ]
    official = side_by_side(base, point, []).official
    rows += [_family_row(zoo.get(row.network), row.multipliers, row.phi, base) for row in official]
    show_rows(rows, as_json)


def datasets_command(
    name: Annotated[
        str | None, typer.Argument(help="Check that this one's files are whole.")
    ] = None,
    root: options.Root = None,
    download: options.Download = False,
    ground: options.GroundOption = "white",
    value_range: options.ValueRange = None,
    as_json: options.AsJson = False,
) -> None:
    """List the data sets, or check one's files and count its images.

    Example: scaling-search datasets imagefolder --root photos
    """
    from scaling_search.data.load import describe  # brings torch, which the others do without

    if name is None:
        show_rows([{"data set": dataset} for dataset in DATASETS], as_json)
        return
    request = options.data_request(
        name, root=root, download=download, ground=ground, value_range=value_range
    )
    info = asdict(describe(request))
    if not as_json and name in OF_FILES:
        from scaling_search.data.sources.folder_scan import FOLDER_RULES as OF_FOLDERS

        _print_list("rules (docs/your-images.md):", (*OF_FOLDERS, *PIXEL_RULES))
    row = {**info, "classes": len(info["classes"])}
    notes = row.pop("notes")
    show_rows([{**row, "notes": notes} if as_json else row], as_json)
    if not as_json and notes:
        _print_list("of these images:", notes)


def _print_list(title: str, lines: Iterable[str]) -> None:
    for line in (title, *(f"- {line}" for line in lines)):
        errors.print(line, soft_wrap=True, highlight=False, markup=False)


def phis_of(text: str) -> list[float]:
    """The φ of "0:7" (each whole one, both ends included) or "0,0.5,1"; raises UserError.

    So it does for a range that does not rise, or that holds more than a thousand.

    Examples:
        >>> from scaling_search.cli.inspect import phis_of
        >>> phis_of("0:3"), phis_of("-1,0.5")
        ([0.0, 1.0, 2.0, 3.0], [-1.0, 0.5])
    """
    try:
        if ":" not in text:
            return [float(part) for part in text.split(",")]
        low, high = map(int, text.split(":"))
    except ValueError:
        raise UserError(f"phis must look like 0:7 or 0,0.5,1, got {text!r}") from None
    require(0 <= high - low < MOST_PHIS, f"phis rise, {MOST_PHIS} at most", text)
    return [float(phi) for phi in range(low, high + 1)]


def _fitted(network: Architecture, px: int | None) -> Fitted:
    """The network at a side, early strides dropped where the side is the user's."""
    if px is not None:
        return fit_strides(network, px)
    return Fitted(network, (), last_map_px(network))


def _network_row(fitted: Fitted) -> dict[str, object]:
    a = fitted.architecture
    cost = count(a)
    maps = dict.fromkeys(row.output_px for row in stage_rows(a)[:-1])
    return {
        **{"network": a.name, "px": a.resolution_px},
        **{"macs": cost.macs, "params": cost.params, "activations": cost.activations},
        "feature_maps_px": " ".join(map(str, maps)),
        "dropped_strides": ", ".join(f"{d.place} {d.before}→{d.after}" for d in fitted.dropped),
    }


def _stages(architecture: Architecture) -> list[dict[str, object]]:
    return [
        {
            **{"stage": row.name, "block": row.block, "repeats": row.repeats},
            **{"channels": row.channels, "stride": row.stride, "output_px": row.output_px},
        }
        for row in stage_rows(architecture)
    ]


def _family_row(
    network: Network, multipliers: Multipliers, phi: float, base: Architecture
) -> dict[str, object]:
    m, cost = multipliers, count(network)
    return {
        "network": network.name if network.name in zoo.network_names() else f"φ = {phi:g}",
        "phi": round(phi, 2),
        "depth": round(m.depth, 3),
        "width": round(m.width, 3),
        "px": network.resolution_px,
        "repeats": "-".join(str(stage.repeats) for stage in network.stages),
        "channels": "-".join(str(stage.channels) for stage in network.stages),
        "macs": cost.macs,
        "params": cost.params,
        "nominal_growth": round(m.depth * m.width**2 * m.resolution**2, 3),
        "growth": round(cost.macs / count(base).macs, 3),
    }
