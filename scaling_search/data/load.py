"""From a request to a split: find the files, check them, choose, make ready, put on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import torch

from scaling_search.core.errors import require
from scaling_search.data.cache import Notify, quiet
from scaling_search.data.lru_cache import LruCache
from scaling_search.data.prepare import Statistics, make_split, statistics
from scaling_search.data.request import DATASETS, SPLITS, DataInfo, DataRequest, SplitName
from scaling_search.data.sources.base import (
    Dataset,
    Subset,
    Unusable,
    UnusableFilesError,
    fingerprint,
)
from scaling_search.data.sources.remarks import few_remarks
from scaling_search.data.splits import Split
from scaling_search.data.splitting import Indices, choose

Opener = Callable[[DataRequest, Notify], Dataset]

# Module and function: what a data set alone needs (torchvision takes seconds) is imported for it.
OPENERS: dict[str, tuple[str, str]] = {
    "typefaces": ("typefaces", "typefaces_source"),
    "fashion-mnist": ("fashion_mnist", "fashion_mnist"),
    "cifar10": ("cifar", "cifar"),
    "cifar100": ("cifar", "cifar"),
    "imagenette": ("folder", "imagenette"),
    "imagefolder": ("folder", "imagefolder"),
}


def opener(name: str) -> Opener:
    """The function that finds and checks the images of a data set."""
    module, function = OPENERS[name]
    open_dataset: Opener = getattr(import_module(f"scaling_search.data.sources.{module}"), function)
    return open_dataset


@dataclass(frozen=True, eq=False)
class CheckedDataset:
    """A data set of which every image that will be used was found whole."""

    info: DataInfo
    parts: dict[SplitName, Subset]


# A worker asks for the same splits job after job. On a GPU they take what the next job may need,
# and are back within a second: so many bytes stay, the last used.
KEPT_BYTES = 1 << 30
_checked: LruCache[DataRequest, CheckedDataset] = LruCache(2)
_statistics: LruCache[tuple[str, int], Statistics] = LruCache(16)
_splits: LruCache[tuple[str, SplitName, int, torch.device], Split] = LruCache(
    KEPT_BYTES, lambda split: split.bytes
)


def dataset_names() -> tuple[str, ...]:
    """The names of the data sets.

    Examples:
        >>> from scaling_search.data.load import dataset_names
        >>> dataset_names()
        ('typefaces', 'fashion-mnist', 'cifar10', 'cifar100', 'imagenette', 'imagefolder')
    """
    return DATASETS


def describe(request: DataRequest, report: Notify = quiet) -> DataInfo:
    """Find and check all that the request needs, and say what it is.

    Raises UserError that names a missing or damaged file and how to get it, or a cut that asks
    for more images than there are. `report` is told in short phrases what goes on.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.data.load import describe
        >>> info = describe(DataRequest("typefaces", train_images=400, test_images=40))
        >>> len(info.classes), info.channels, info.train_images, info.validation_images
        (20, 1, 360, 40)
    """
    checked, remarks = _check(request, report)
    return replace(_checked.put(request, checked).info, notes=remarks())


def load_split(
    request: DataRequest,
    split: SplitName,
    px: int,
    device: torch.device | str = "cpu",
    report: Notify = quiet,
) -> Split:
    """A split of the data set at `px` × `px`, on the device.

    It is made ready once and kept in the user's cache folder (SCALING_SEARCH_CACHE names
    another); the last few stay in memory. Raises UserError as `describe` does.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.data.load import load_split
        >>> request = DataRequest("typefaces", train_images=80, test_images=20)
        >>> split = load_split(request, "test", px=16)
        >>> split.images.shape, split.images.dtype
        (torch.Size([20, 1, 16, 16]), torch.uint8)
    """
    require(px >= 1, "px must be at least 1", px)
    device = torch.device(device)

    checked = _checked.get(request, lambda: _check(request, report)[0])
    name, content, parts = request.name, checked.info.fingerprint, checked.parts

    def make() -> Split:
        of_train = _statistics.get(
            (content, px), lambda: statistics(name, parts["train"], px, report)
        )
        return make_split(name, parts[split], px, of_train, device, report)

    return _splits.get((content, split, px, device), make)


def forget_splits() -> None:
    """Keep no split in memory that nobody uses."""
    _splits.clear()


def _check(
    request: DataRequest, report: Notify
) -> tuple[CheckedDataset, Callable[[], tuple[str, ...]]]:
    """The data set, and what gives the remarks on it: that holds facts of every file."""
    source = opener(request.name)(request, report)
    own_labels = source.validation.labels if source.validation else None
    chosen = choose(request, source.classes, source.train.labels, source.test.labels, own_labels)
    parts = parts_of(source, chosen)
    info = _info(request.name, source.classes, parts)

    def remarks() -> tuple[str, ...]:
        return *source.remarks(parts), *few_remarks(
            source.classes, parts["validation"], held_out=source.validation is None
        )

    return CheckedDataset(info, parts), remarks


def parts_of(source: Dataset, chosen: tuple[Indices, Indices, Indices]) -> dict[SplitName, Subset]:
    """The chosen images of each split, checked; raises UnusableFilesError with all bad files."""
    pools = source.train, source.validation or source.train, source.test
    parts: dict[SplitName, Subset] = {}
    unusable: list[Unusable] = []
    for split, pool, indices in zip(SPLITS, pools, chosen, strict=True):
        try:
            parts[split] = pool.part(indices)
        except UnusableFilesError as error:
            unusable += error.files
    if unusable:
        raise UnusableFilesError(unusable)
    return parts


def _info(name: str, classes: tuple[str, ...], parts: dict[SplitName, Subset]) -> DataInfo:
    counts = [len(part.labels) for part in parts.values()]
    native_px, channels = parts["train"].native_px, parts["train"].channels
    return DataInfo(
        name=name,
        classes=classes,
        channels=channels,
        native_px=native_px,
        train_images=counts[0],
        validation_images=counts[1],
        test_images=counts[2],
        bytes=sum(counts) * channels * native_px**2,
        fingerprint=fingerprint(*classes, *(part.digest for part in parts.values())),
    )
