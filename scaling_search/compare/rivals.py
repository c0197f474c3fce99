"""What compound scaling is held against: other ways to grow the base to the same cost."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Tag

from scaling_search.arch.paper import officials
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import AXIS_NAMES, Coefficients, Multipliers, scale
from scaling_search.arch.zoo import get
from scaling_search.arch.zoo_efficientnets import B0_FORMS
from scaling_search.compare.family import Member, member
from scaling_search.compare.methods import BASE, COMPOUND
from scaling_search.compare.rival_names import OFFICIAL, RAYS, RIVAL_NAMES
from scaling_search.core.errors import UserError, require
from scaling_search.search.equal_cost import matched, on_ray
from scaling_search.search.resources import Meter, meter_of
from scaling_search.search.space import Budget


@dataclass(frozen=True)
class NamedConstants:
    """Constants of the user's own, under the name that tables and figures give them.

    Raises UserError for a name that is taken or no word, and for constants that grow nothing.
    """

    name: str
    alpha: float
    beta: float
    gamma: float

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError as above."""
        rule = "a rival's name is made of letters, digits, '-' and '_', a letter at first"
        require(re.fullmatch(r"[A-Za-z][\w-]*", self.name) is not None, rule, self.name)
        rule = "constants of one's own need a name of their own"
        require(self.name not in (BASE, COMPOUND, *RIVAL_NAMES), rule, self.name)
        growth = self.coefficients.nominal_growth
        require(growth > 1, f"α·β²·γ² of {self.name!r} must be greater than 1", round(growth, 3))

    @property
    def coefficients(self) -> Coefficients:
        """The constants alone."""
        return Coefficients(self.alpha, self.beta, self.gamma)


Rival = Annotated[
    Annotated[str, Tag("name")] | Annotated[NamedConstants, Tag("constants")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "constants"),
]
"""One of `RIVAL_NAMES`, or constants of the user's own."""


def name_of(rival: Rival) -> str:
    """The method that the rival is.

    Examples:
        >>> from scaling_search.compare.rivals import NamedConstants, name_of
        >>> name_of("depth"), name_of(NamedConstants("mine", 1.1, 1.2, 1.1))
        ('depth', 'mine')
    """
    return rival if isinstance(rival, str) else rival.name


def check_rivals(rivals: Sequence[Rival]) -> None:
    """Raise UserError for a name that no rival has, or one that two of them have.

    Examples:
        >>> from scaling_search.compare.rivals import check_rivals
        >>> check_rivals(["depth", "paper"])
        >>> check_rivals(["depth", "depth"])
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: each rival is named once, got ['depth', 'depth']
    """
    for rival in rivals:
        if isinstance(rival, str) and rival not in RIVAL_NAMES:
            near = difflib.get_close_matches(rival, RIVAL_NAMES, 1)
            hint = f"did you mean {near[0]}?" if near else "give its constants as a table"
            require(False, f"a rival is one of {', '.join(RIVAL_NAMES)}", rival, hint)
    names = [name_of(rival) for rival in rivals]
    require(len({*names}) == len(names), "each rival is named once", names)


def check_official(base: str, phis: Sequence[float], growth: float) -> None:
    """Raise UserError unless B1 to B7 stand beside the networks of these φ of this base."""
    rule = f"the official networks are grown from {' or '.join(B0_FORMS)}"
    require(base in B0_FORMS, rule, base, "leave the rival 'official' out")
    made = range(1, len(officials()))
    rule = f"the official networks stand at φ = 1 to {made[-1]}"
    beside = [phi for phi in phis if phi != 0 and phi not in made]
    require(not beside, rule, beside, "compare at such φ, or leave the rival 'official' out")
    require(growth == 2, "the official networks about double with each φ: growth is 2", growth)


def rival_member(
    base: Network, budget: Budget, rival: Rival, phi: float, meter: Meter | None = None
) -> Member:
    """The rival's network at a φ other than 0, grown to the cost of growth^φ.

    The official networks alone are as they are, whatever they cost. Raises as `matched` does.

    Examples:
        >>> from scaling_search import Budget
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.rivals import rival_member
        >>> wider = rival_member(zoo.get("efficientnet-b0"), Budget(growth=2.0), "width", phi=1)
        >>> round(wider.multipliers.width, 2), round(wider.growth, 2)
        (1.45, 2.0)
    """
    read = meter or meter_of(budget)
    multipliers = _multipliers(base, budget, rival, phi, read)
    grown = scale(base, multipliers)
    return member(base, budget, name_of(rival), phi, grown, multipliers, read)


def read_rivals(text: str) -> tuple[Rival, ...]:
    """The rivals of a text such as "depth,paper,mine=1.1/1.2/1.1"; raises UserError.

    Examples:
        >>> from scaling_search.compare.rivals import name_of, read_rivals
        >>> [name_of(rival) for rival in read_rivals("depth,paper,mine=1.1/1.2/1.1")]
        ['depth', 'paper', 'mine']
    """
    rivals = tuple(_read(word.strip()) for word in text.split(",") if word.strip())
    check_rivals(rivals)
    return rivals


def _read(word: str) -> Rival:
    name, equals, constants = word.partition("=")
    if not equals:
        return word
    try:
        alpha, beta, gamma = map(float, constants.split("/"))
    except ValueError:
        raise UserError(
            f"constants of a rival's are name=ALPHA/BETA/GAMMA, got {word!r}: try mine=1.2/1.1/1.15"
        ) from None
    return NamedConstants(name, alpha, beta, gamma)


def _multipliers(
    base: Network, budget: Budget, rival: Rival, phi: float, read: Meter
) -> Multipliers:
    if rival == OFFICIAL:
        return _official(phi)
    target = read(base) * budget.growth**phi
    if isinstance(rival, str) and rival in AXIS_NAMES:
        return matched(base, rival, target, budget, read)
    ray = RAYS[rival] if isinstance(rival, str) else rival.coefficients
    return on_ray(base, ray, target, budget, read)


def _official(phi: float) -> Multipliers:
    official = officials()[round(phi)]
    resolution = official.resolution_px / get(B0_FORMS[0]).resolution_px
    return Multipliers(official.depth, official.width, resolution)
