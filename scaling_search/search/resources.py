"""What a budget limits, as a number for each network: counted, simulated or timed.

Enumeration, family and rivals ask a meter and need not know where its numbers come from. One that
knows timings alone raises `UntimedError` for the rest, so what is still to be timed is found by
asking: a pure function of the study and of what the ledger holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar, assert_never

from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.memory import peak_memory
from scaling_search.latency.job import PLATEAU, Regime, TimeJob
from scaling_search.latency.result import Latency, NetworkTiming, Timed
from scaling_search.search.space import Budget

Meter = Callable[[Network], float]
"""How much of the budget's resource a network takes; never less for a larger network of one base,
but for the noise of a timing."""

# A busy machine makes a network look ten times as slow: what is doubtful is timed again.
TRIES = 3

Answer = TypeVar("Answer")


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
    """
    match budget.resource:
        case "macs" | "params" | "activations" as counted:
            return lambda network: float(getattr(count(network), counted))
        case "memory":
            return _simulated(regime or Regime())
        case "latency":
            known = ratios or {}
            return lambda network: _ratio(_described(network, "latency"), known)
        case _:
            assert_never(budget.resource)


def gathered(asks: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """All answers; raises one `UntimedError` with every network that any of them lacks."""
    answers, lacking = list[Answer](), dict[Architecture, None]()
    for ask in asks:
        try:
            answers.append(ask())
        except UntimedError as error:
            lacking |= dict.fromkeys(error.networks)
    if lacking:
        raise UntimedError(lacking)
    return answers


def tries_of(timings: Iterable[Timed], asked: TimeJob) -> dict[str, list[NetworkTiming]]:
    """Each network's timings on the terms of `asked`, by fingerprint, the oldest first.

    `timings` come the newest first, as from the ledger.
    """
    tries: dict[str, list[NetworkTiming]] = {}
    for timed in timings:
        if same_terms(timed.job, asked) and not anchor_failure(timed):
            for timing in timed.timings:
                tries.setdefault(timing.fingerprint, []).insert(0, timing)
    return tries


def ratios_of(
    tries: Mapping[str, Sequence[NetworkTiming]], anchor: Architecture, tolerance: float
) -> dict[str, float]:
    """Each network's time per image over the anchor's, by fingerprint, as `meter_of` takes them.

    A ratio whose 95 % interval is wider than the budget's tolerance is unknown until the network
    has been tried `TRIES` times; then the narrowest counts. What a ratio was decides what is
    trained, so a later timing never changes one that is known. What could not be timed is
    infinitely slow.
    """
    ratios = {fingerprint: _settled(some, tolerance) for fingerprint, some in tries.items()}
    known = {fingerprint: ratio for fingerprint, ratio in ratios.items() if ratio is not None}
    return {**known, anchor.fingerprint: 1.0}


def same_terms(job: TimeJob, asked: TimeJob) -> bool:
    """Whether two jobs differ at most in their networks and seeds."""
    mine, its = (replace(one, networks=(), seed=0) for one in (job, asked))
    return mine.hash == its.hash


def anchor_failure(timed: Timed) -> str:
    """Why the anchor could not be timed, for then there is no ratio; empty when it was."""
    return next((s.seats[0].failure for s in timed.sittings if s.seats[0].failure), "")


def doubt(timing: NetworkTiming) -> float:
    """Half the 95 % interval of a ratio, as a share of it; 0 where a failure is certain."""
    if not isinstance(timing, Latency):
        return 0.0
    ratio, low, high = timing.ratio, timing.ratio_low, timing.ratio_high
    if ratio is None or low is None or high is None:
        return math.inf
    return (high - low) / 2 / ratio


def _settled(tries: Sequence[NetworkTiming], tolerance: float) -> float | None:
    sure = next((one for one in tries if doubt(one) <= tolerance), None)
    if sure is None and len(tries) < TRIES:
        return None
    best = sure or min(tries, key=doubt)
    return (best.ratio or math.inf) if isinstance(best, Latency) else math.inf


def _ratio(network: Architecture, known: Mapping[str, float]) -> float:
    ratio = known.get(network.fingerprint)
    if ratio is None:
        raise UntimedError([network])
    return ratio


def _simulated(regime: Regime) -> Meter:
    batch = regime.batch
    if batch == PLATEAU:
        raise UserError(
            "a memory budget needs a timing.regime.batch that is a number, got 'plateau': give one"
        )

    def peak_bytes(network: Network) -> float:
        table = _described(network, "memory")
        return peak_memory(table, regime.task, batch, regime.precision).total_bytes

    return peak_bytes


def _described(network: Network, resource: Literal["memory", "latency"]) -> Architecture:
    if isinstance(network, Architecture):
        return network
    raise UserError(
        f"a {resource} budget needs a network that a table of stages describes, got the function "
        f"{network.name!r}: budget it in macs, params or activations"
    )
