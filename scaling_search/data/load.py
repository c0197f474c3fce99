"""From a request to a split: find the files, check them, choose, make ready, put on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module

import torch

from scaling_search.data.cache import Report, quiet
from scaling_search.data.parts import Part, Source, fingerprint
from scaling_search.data.ready import Statistics, make_split, statistics
from scaling_search.data.recent import Recent
from scaling_search.data.request import NAMES, DataInfo, DataRequest, SplitName
from scaling_search.data.selection import choose
from scaling_search.data.splits import Split
from scaling_search.errors import require

Opener = Callable[[DataRequest, Report], Source]

# Module and function: what a data set alone needs (torchvision takes seconds) is imported for it.
OPENERS: dict[str, tuple[str, str]] = {
    "typefaces": ("drawn", "typefaces_source"),
    "fashion-mnist": ("idx", "fashion_mnist"),
    "cifar10": ("cifar", "cifar"),
    "cifar100": ("cifar", "cifar"),
    "imagenette": ("folder", "imagenette"),
    "imagefolder": ("folder", "imagefolder"),
}


def opener(name: str) -> Opener:
    """The function that finds and checks the images of a data set."""
    module, function = OPENERS[name]
    found: Opener = getattr(import_module(f"scaling_search.data.{module}"), function)
    return found


@dataclass(frozen=True, eq=False)
class Checked:
    """A data set of which every image that will be used was found whole."""

    info: DataInfo
    parts: dict[SplitName, Part]
    remarks: Callable[[], tuple[str, ...]]


# A worker asks for the same splits job after job. Six are three splits at two resolutions.
_checked: Recent[DataRequest, Checked] = Recent(2)
_statistics: Recent[tuple[str, int], Statistics] = Recent(16)
_splits: Recent[tuple[str, SplitName, int, torch.device], Split] = Recent(6)


def names() -> tuple[str, ...]:
    """The names of the data sets."""
    return NAMES


def describe(request: DataRequest, report: Report = quiet) -> DataInfo:
    """Find and check all that the request needs, and say what it is.

    Raises UserError that names a missing or damaged file and how to get it, or a cut that asks
    for more images than there are. `report` is told in short phrases what goes on.
    """
    checked = _checked.put(request, _check(request, report))
    return replace(checked.info, notes=checked.remarks())


def load_split(
    request: DataRequest,
    split: SplitName,
    px: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
) -> Split:
    """A split of the data set at `px` × `px`, on the device.

    It is made ready once and kept in the user's cache folder (SCALING_SEARCH_CACHE names
    another); the last few stay in memory. Raises UserError as `describe` does.
    """
    require(px >= 1, "px must be at least 1", px)
    device = torch.device(device)

    checked = _checked.get(request, lambda: _check(request, report))
    name, content, parts = request.name, checked.info.fingerprint, checked.parts

    def make() -> Split:
        of_train = _statistics.get(
            (content, px), lambda: statistics(name, parts["train"], px, report)
        )
        return make_split(name, parts[split], px, of_train, device, report)

    return _splits.get((content, split, px, device), make)


def _check(request: DataRequest, report: Report) -> Checked:
    source = opener(request.name)(request, report)
    pools = source.train, source.test
    train, validation, test = choose(request, source.classes, pools[0].labels, pools[1].labels)
    parts: dict[SplitName, Part] = {
        "train": source.train.part(train),
        "validation": source.train.part(validation),
        "test": source.test.part(test),
    }
    info = _info(request.name, source.classes, parts)
    return Checked(info, parts, partial(source.remarks, parts))


def _info(name: str, classes: tuple[str, ...], parts: dict[SplitName, Part]) -> DataInfo:
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
