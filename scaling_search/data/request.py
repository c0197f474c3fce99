"""What data a run asks for, and what is known of it once it has been checked."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from scaling_search.core.errors import UserError, require
from scaling_search.core.pixel_rules import BY_DEFAULT, Ground, PixelRules

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

OF_FILES = ("imagenette", "imagefolder")
DATASETS = ("typefaces", "fashion-mnist", "cifar10", "cifar100", "imagenette", "imagefolder")


@dataclass(frozen=True)
class DataRequest:
    """A data set by name, where its files lie, and how much of it is used.

    `train_images` cuts the training images before the validation split is held out of them, so
    train and validation together have that many; `test_images` cuts the test split. Both cuts are
    stratified and follow `split_seed`; None takes all (of `typefaces`, 4 400 and 2 000). A smaller
    cut of one seed is contained in every larger one. `validation_seed` holds another validation
    split out of the same training images (None: that of `split_seed`). A set with validation images
    of its own keeps them whole, and has no use for either fraction or seed. `greyscale` makes one
    channel of three. `ground` is what transparency is laid on, `value_range` the values that are
    black and white in images of more than 8 bits (None: as their depth says); both are for folders.

    Examples:
        >>> from scaling_search import DataRequest
        >>> mine = DataRequest("imagefolder", root="~/flowers", train_images=5000)
        >>> mine.validation_fraction, mine.pixel_rules.ground
        (0.1, 'white')
        >>> DataRequest("cifar10", train_images=0)
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: train_images must be at least 1, got 0
    """

    name: str = "typefaces"
    root: str | None = None
    download: bool = False
    train_images: int | None = None
    test_images: int | None = None
    validation_fraction: float = 0.1
    split_seed: int = 0
    validation_seed: int | None = None
    greyscale: bool = False
    ground: Ground = "white"
    value_range: tuple[float, float] | None = None

    # pydantic reads this when a request comes from a file: a misspelt key must not pass.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for an unknown name or a value outside its range."""
        if self.name not in DATASETS:
            close = difflib.get_close_matches(self.name, DATASETS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "choose one of these"
            raise UserError(
                f"data set must be one of {', '.join(DATASETS)}, got {self.name!r}: {hint}"
            )
        for field in ("train_images", "test_images"):
            count = getattr(self, field)
            require(count is None or count >= 1, f"{field} must be at least 1", count)
        fraction = self.validation_fraction
        require(0 < fraction < 1, "validation_fraction must lie in (0, 1)", fraction)
        for field in ("split_seed", "validation_seed"):
            seed = getattr(self, field)
            require(seed is None or seed >= 0, f"{field} must be 0 or more", seed)
        self._check_root()
        if self.value_range is not None:  # a list of a caller's: requests are hashed
            object.__setattr__(self, "value_range", tuple(self.value_range))
        rules = self.pixel_rules
        of_files = self.name in OF_FILES or rules == BY_DEFAULT
        require(of_files, "ground and value_range are for folders of images", self.name)

    @property
    def pixel_rules(self) -> PixelRules:
        """What the pixels of unusual files mean; raises UserError for values out of range."""
        return PixelRules(self.ground, self.value_range)

    def _check_root(self) -> None:
        if self.root is not None and not self.root.isascii():
            try:
                self.root.encode()
            except UnicodeEncodeError:  # a study is UTF-8 text
                rule = f"a root's name must be UTF-8, got {self.root!a}"
                raise UserError(f"{rule}: give it another, or a link to it") from None
        if self.name == "typefaces":
            require(self.root is None, "typefaces is drawn, so it has no root", self.root)
        if self.name == "imagefolder":
            hint = "give the folder that holds train/<class>/ and test/<class>/"
            require(self.root is not None, "imagefolder needs a root", self.root, hint)
            require(not self.download, "imagefolder can't be downloaded", self.download)


@dataclass(frozen=True)
class DataInfo:
    """What a checked data set is.

    `native_px` is the side of its images (the median shorter side where they differ), `bytes` what
    the three splits take as uint8 at that side. `fingerprint` (16 hex digits) follows the content
    of the images used and the way they are split, never where they lie. `notes` are lines for the
    user: what was made of unusual images, and what speaks against training on these.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.data.load import describe
        >>> info = describe(DataRequest("typefaces", train_images=400, test_images=40))
        >>> info.train_images, info.validation_images, info.test_images, info.native_px
        (360, 40, 40, 96)
    """

    name: str
    classes: tuple[str, ...]
    channels: int
    native_px: int
    train_images: int
    validation_images: int
    test_images: int
    bytes: int
    fingerprint: str
    notes: tuple[str, ...] = ()
