"""What an exported network must say of itself: its architecture, its classes, its normalisation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError, require
from scaling_search.core.pixel_rules import Ground, PixelRules

KEY = "scaling_search"
"""Under this key each format keeps the card, as JSON."""


@dataclass(frozen=True)
class Card:
    """The architecture (with the side of its images), a name for each class, and what the network
    expects of its images: (x / 255 - mean) / std for each channel, in units of 0..1.

    `ground` and `value_range` are what made its images 8-bit: see `pixel_rules`. Published weights
    see the middle of an image whose shorter side is `resize_px` by `interpolation`; None: the
    network's side itself, bilinear. Raises UserError unless there is a name for each class, a mean
    and a positive std a channel.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.model_card import Card, card_from_json
        >>> nano = zoo.get("nano").fitted(num_classes=2)
        >>> card = Card(nano, classes=("cat", "dog"), mean=(0.5,), std=(0.25,))
        >>> card_from_json(card.to_json(), "a file") == card
        True
    """

    architecture: Architecture
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    ground: Ground = "white"
    value_range: tuple[float, float] | None = None
    resize_px: int | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError when the parts don't fit together."""
        a = self.architecture
        named, channels = len(self.classes), a.in_channels
        require(named == a.num_classes, f"{a.num_classes} classes need as many names", named)
        for name, values in (("mean", self.mean), ("std", self.std)):
            require(len(values) == channels, f"{name} must have {channels} values", len(values))
        resized = self.resize_px is None or self.resize_px >= a.resolution_px
        require(resized, f"resize_px must be at least {a.resolution_px}", self.resize_px)
        require(min(self.std) > 0, "std must be positive", self.std)
        self.pixel_rules  # noqa: B018 (raises UserError for values out of range)

    @property
    def pixel_rules(self) -> PixelRules:
        """What the pixels of image files meant when the network was trained."""
        return PixelRules(self.ground, self.value_range)

    def to_json(self) -> str:
        """The card as text for a file's metadata."""
        values = asdict(self)
        if self.resize_px is None:  # so that older versions read what they could have written
            del values["resize_px"], values["interpolation"]
        return json.dumps(values, ensure_ascii=False)


_CARDS = TypeAdapter(Card)


def card_from_json(text: str, source: str) -> Card:
    """The card that `to_json` wrote; raises UserError naming `source` for anything else."""
    try:
        return _CARDS.validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the card"
        raise UserError(
            f"{source} must hold a card of this project, got a wrong {where}: {problem['msg']}"
        ) from None
