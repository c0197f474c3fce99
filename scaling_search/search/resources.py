"""What a budget limits, as a number for each network: counted, simulated or timed.

Enumeration, family and rivals ask a meter and need not know where its numbers come from. One that
knows timings alone raises `UntimedError` for the rest, so what is still to be timed is found by
asking: a pure function of the study and of what the ledger holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import AXIS_NAMES, AxisName
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.latency.job import PLATEAU, Regime
from scaling_search.search.space import Budget, Resource

Meter = Callable[[Network], float]
"""How much of the budget's resource a network takes; never less for a larger network of one base,
but for the noise of a timing."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MeterTerms:
    """In which regime a resource is read, and each known time over the base's, by fingerprint."""

    regime: Regime
    ratios: Mapping[str, float]


@dataclass(frozen=True)
class ResourceKind:
    """All that a search must know of a resource; `RESOURCES` has one for each.

    `label` names it on an axis, with its unit. `meter` makes what reads it off a network. It grows
    with `axes`, and an axis alone is grown by `most_multiplier` at most. `needs_table`: it is not
    read off a network that a function makes. `is_timed`: somebody must measure it first, and its
    numbers scatter. Where a reading is dear fewer networks are tried: `points_per_axis` of the
    constants that make a network, and `looked_at` to name the one nearest to a budget that none
    keeps.
    """

    label: str
    meter: Callable[[MeterTerms], Meter]
    axes: tuple[AxisName, ...] = AXIS_NAMES
    needs_table: bool = False
    is_timed: bool = False
    most_multiplier: float = 1024.0
    points_per_axis: int = 9
    looked_at: int = 1000


class UntimedError(UserError):
    """These networks' times beside the base are asked for, and nobody has measured them yet."""

    def __init__(self, networks: Iterable[Architecture]) -> None:
        self.networks = tuple(networks)
        super().__init__(
            "a latency budget needs the time of each network that it asks for, got "
            f"{len(self.networks)} untimed: run the study, which times them beside its base"
        )


def meter_of(
    budget: Budget, regime: Regime | None = None, ratios: Mapping[str, float] | None = None
) -> Meter:
    """The meter of a budget.

    MACs, parameters and activations are counted for one image. Memory is the peak of one step in
    the regime, in bytes: the network's own and all that is alive beside it, as `cost.memory`
    simulates it, the same on every machine. Latency is the time per image over the base's, looked
    up in `ratios` by fingerprint; the meter raises `UntimedError` for a network that they lack.
    Memory and latency raise UserError for a network that no table describes.

    Examples:
        >>> from scaling_search import Budget
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.resources import meter_of
        >>> meter_of(Budget(resource="params"))(zoo.get("efficientnet-b0"))
        5288548.0
    """
    return RESOURCES[budget.resource].meter(MeterTerms(regime or Regime(), ratios or {}))


def gathered(asks: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """All answers; raises one `UntimedError` with every network that any of them lacks.

    Examples:
        >>> from scaling_search.search.resources import gathered
        >>> gathered([lambda: 2.0, lambda: 1.9])
        [2.0, 1.9]
    """
    answers, lacking = list[Answer](), dict[Architecture, None]()
    for ask in asks:
        try:
            answers.append(ask())
        except UntimedError as error:
            lacking |= dict.fromkeys(error.networks)
    if lacking:
        raise UntimedError(lacking)
    return answers


def _counted(name: str, _: MeterTerms) -> Meter:
    return lambda network: float(getattr(count(network), name))


def _simulated(terms: MeterTerms) -> Meter:
    regime, batch = terms.regime, terms.regime.batch
    if batch == PLATEAU:
        raise UserError(
            "a memory budget needs a timing.regime.batch that is a number, got 'plateau': give one"
        )

    # Brings torch, which what is counted does without.
    from scaling_search.cost.memory import peak_memory

    def peak_bytes(network: Network) -> float:
        table = _described(network, "memory")
        return peak_memory(table, regime.task, batch, regime.precision).total_bytes

    return peak_bytes


def _timed(terms: MeterTerms) -> Meter:
    def ratio(network: Network) -> float:
        table = _described(network, "latency")
        if table.fingerprint not in terms.ratios:
            raise UntimedError([table])
        return terms.ratios[table.fingerprint]

    return ratio


def _described(network: Network, resource: Resource) -> Architecture:
    if isinstance(network, Architecture):
        return network
    raise UserError(
        f"a {resource} budget needs a network that a table of stages describes, got the function "
        f"{network.name!r}: budget it in macs, params or activations"
    )


RESOURCES: Mapping[Resource, ResourceKind] = {
    "macs": ResourceKind("MACs", partial(_counted, "macs")),
    "params": ResourceKind("parameters", partial(_counted, "params"), axes=("depth", "width")),
    "activations": ResourceKind(
        "activations (outputs of convolutions)", partial(_counted, "activations")
    ),
    # A peak takes a tenth of a second.
    "memory": ResourceKind(
        "peak memory (bytes)",
        _simulated,
        needs_table=True,
        most_multiplier=64.0,
        points_per_axis=3,
        looked_at=50,
    ),
    "latency": ResourceKind(
        "time per image (× the base's)",
        _timed,
        needs_table=True,
        is_timed=True,
        most_multiplier=64.0,
    ),
}
