"""A study: the one frozen description of a run, its presets, and TOML in and out."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import tomli_w
from pydantic import TypeAdapter

from scaling_search import toml
from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import FamilyBudget
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.errors import UserError, require
from scaling_search.search.halving import Plan, Rung
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe

Rival = Literal["depth", "width", "resolution"]
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Comparison:
    """The family and its rivals: at which φ, for how many epochs, from how many seeds.

    `constants` given: there is no search, these are compared. Raises UserError for zero seeds or
    epochs, for no φ at all, or for a φ twice.
    """

    phis: tuple[float, ...] = (0.0, 1.0, 2.0)
    family: FamilyBudget = "measured"
    rivals: tuple[Rival, ...] = ("depth", "width", "resolution")
    epochs: int = 8
    seeds: int = 3
    constants: Coefficients | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.seeds >= 1, "a comparison needs at least 1 seed", self.seeds)
        require(self.epochs >= 1, "a comparison needs at least 1 epoch", self.epochs)
        require(len(self.phis) >= 1, "a comparison needs at least one φ", self.phis)
        require(len(set(self.phis)) == len(self.phis), "each φ is named once", self.phis)
        require(all(map(math.isfinite, self.phis)), "each φ must be a finite number", self.phis)


@dataclass(frozen=True)
class Study:
    """What to find out: the base network, the images, the budget, the search, the comparison.

    `base_px` is the side of the base network's images (None: the network's own); `description` is
    a sentence for the report's reader.
    """

    name: str
    description: str = ""
    base: str = "micro"
    base_px: int | None = None
    data: DataRequest = field(default_factory=DataRequest)
    budget: Budget = field(default_factory=Budget)
    space: Space = field(default_factory=Space)
    search: Plan = field(default_factory=Plan)
    compare: Comparison = field(default_factory=Comparison)
    recipe: Recipe = field(default_factory=Recipe)

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for an unknown network, or pixels that its strides can't take."""
        # The name becomes a directory: it must not lead out of its parent.
        rule = (
            "a study's name is made of letters, digits, '-', '_', '.', a letter or digit at first"
        )
        require(re.fullmatch(r"\w[\w.-]*", self.name) is not None, rule, self.name)
        zoo.get(self.base).fitted(resolution_px=self.base_px)

    def base_for(self, info: DataInfo) -> Architecture:
        """The base network, made for these images."""
        return zoo.get(self.base).fitted(
            in_channels=info.channels,
            num_classes=len(info.classes),
            resolution_px=self.base_px,
        )


_STUDIES = TypeAdapter(Study)


def to_toml(study: Study) -> str:
    """The study as TOML; what is None (a default that means "all" or "own") is left out."""
    return tomli_w.dumps(_without_none(asdict(study)))


def from_toml(text: str, source: str = "study") -> Study:
    """The study of a TOML text.

    Raises UserError naming `source`, the line, the key and the rule for a wrong value or key.
    """
    return toml.validated(_STUDIES, toml.parsed(text, source), text, source, _known)


def read(path: Path) -> Study:
    """The study of a TOML file; raises UserError when it can't be read or is wrong."""
    return from_toml(toml.read_text(path, "study"), str(path))


def preset(name: str) -> Study:
    """A study that is ready to run; raises UserError with the nearest name for an unknown one."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"unknown preset {name!r}: {hint}known are {', '.join(PRESETS)}")


def with_images(study: Study, root: str | None, download: bool) -> Study:
    """The study with its images looked for elsewhere."""
    data = replace(
        study.data, root=root or study.data.root, download=download or study.data.download
    )
    return replace(study, data=data)


def _known(where: toml.Location) -> str:
    at: Any = preset("demo")
    for part in where:
        at = at[part] if isinstance(part, int) else getattr(at, str(part))
    return ", ".join(f.name for f in fields(at))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


PRESETS: dict[str, Study] = {
    # Sized for two CPU cores and five minutes. The words lie anywhere in the picture already, so
    # shifting them would only slow the learning down.
    "demo": Study(
        name="demo",
        base_px=28,
        data=DataRequest("typefaces", train_images=3300, test_images=1000, validation_fraction=0.2),
        search=Plan("tpe", trials=8, rungs=(Rung(3, keep=0.5), Rung(8, seeds=2))),
        compare=Comparison(epochs=8, seeds=3),
        recipe=Recipe(learning_rate=0.05, batch_size=32, augment="none"),
    ),
    # The study of results/fashion-mnist.
    "fashion-mnist": Study(
        name="fashion-mnist",
        base_px=18,
        data=DataRequest("fashion-mnist", train_images=20_000, validation_fraction=0.2),
        space=Space(gamma=Axis(1.0, 1.6, 0.05)),
        search=Plan("tpe", trials=16, rungs=(Rung(2, keep=0.4), Rung(5, seeds=3))),
        compare=Comparison(epochs=8, seeds=5),
        recipe=Recipe(augment="shift-flip"),
    ),
}
