"""What a comparison of networks smaller than the base can't do, told before anything is trained.

A base shrinks to one block a stage, one step of channels and the side its strides need; below
that every φ is the same network. A batch of one image leaves maps of one pixel nothing to
normalise by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from scaling_search.compare.family import Member
from scaling_search.compare.methods import BASE, COMPOUND, Method, in_words
from scaling_search.core.errors import UserError
from scaling_search.experiment.phases import planned_phases
from scaling_search.experiment.run_state import RunState
from scaling_search.jobs.batch_norms import check_steps
from scaling_search.search.resources import UntimedError

LARGEST_MISS = 0.5
"""Of a φ: a network that costs more than growth^(φ + 0.5) is not the one of φ."""


def check_planned_sizes(state: RunState) -> None:
    """Raise UserError where smaller networks can't be made, or steps can't be taken.

    The family's own networks are known only where the study gives the constants. Latencies that
    must be measured first hide what they decide.
    """
    study = state.experiment.study
    if min(study.compare.phis, default=0.0) >= 0:
        return
    try:
        members, phases = state.members, planned_phases(state)
    except UntimedError:
        return
    given = study.compare.constants is not None
    definite = [each for each in members if given or each.method != COMPOUND]
    check_reached(definite, study.budget.growth)
    check_steps(portion.job for phase in phases for portion in phase.left)


def check_reached(members: Sequence[Member], growth: float) -> None:
    """Raise UserError for a method that can't shrink as far as its φ ask, saying how far it can.

    Examples:
        >>> from scaling_search import Budget, Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.family import family
        >>> from scaling_search.experiment.planned_sizes import check_reached
        >>> nano, ray = zoo.get("nano"), Coefficients(1.2, 1.1, 1.15)
        >>> check_reached(family(nano, ray, [-2, -1, 0, 1], Budget()), growth=2.0)
    """
    base = next(each for each in members if each.method == BASE)
    for method in dict.fromkeys(each.method for each in members if each.method != BASE):
        networks = [base, *(each for each in members if each.method == method)]
        failed = [e for e in networks if e.growth_target < 1 and _is_missed(e, networks, growth)]
        if failed:
            raise UserError(_refusal(method, failed, networks, growth))


def _is_missed(member: Member, members: Iterable[Member], growth: float) -> bool:
    """Whether it stays too large for its φ, or is also the network of another, nearer φ."""
    if math.log(member.growth / member.growth_target) > LARGEST_MISS * abs(math.log(growth)):
        return True
    same = [each for each in members if each.architecture == member.architecture]
    nearest = min(same, key=lambda each: abs(math.log(each.growth / each.growth_target)))
    return nearest is not member


def _refusal(
    method: Method, failed: Sequence[Member], networks: Sequence[Member], growth: float
) -> str:
    phis = ", ".join(f"{each.phi:g}" for each in failed)
    least = min(networks, key=lambda each: each.growth)
    reached = math.log(least.growth) / math.log(growth)
    rival = "" if method == COMPOUND else f"leave the rival {method!r} out, "
    return (
        f"each φ below the base needs a smaller network of its own, got φ = {phis} of "
        f"{in_words(method)}, whose smallest network costs {least.growth:.2g} of the base "
        f"(φ = {reached:.1f}): {rival}compare at other φ, or take a larger base"
    )
