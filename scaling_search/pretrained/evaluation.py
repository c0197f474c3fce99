"""Networks with weights on the same images: the whole job, from addresses to frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from scaling_search.core.errors import require
from scaling_search.cost.analytic import count
from scaling_search.cost.arithmetic import arithmetic
from scaling_search.latency.job import TimeBudget
from scaling_search.pretrained.classes import IMAGENET_CLASSES, IN_ORDER, read_mapping, targets
from scaling_search.pretrained.images import Labelled, labelled
from scaling_search.pretrained.predictions import kept_predictions, predictions
from scaling_search.pretrained.scores import (
    Share,
    accuracy,
    balanced_accuracy,
    cross_entropy,
    neighbours,
)
from scaling_search.pretrained.sources import Pretrained, Wish, pretrained
from scaling_search.pretrained.timing import network_times
from scaling_search.training.evaluate import TOP

Watch = Callable[[str, int, int], None]
"""Hears of a network by name that so many of so many images are done."""
PAIR_COLUMNS = (
    *("left", "right", "difference_points", "low_points", "high_points"),
    *("only_left", "only_right", "n", "p_value", "p_holm", "verdict"),
)
IMAGES_OF_A_CLASS = 50  # of ImageNet's validation images


@dataclass(frozen=True)
class Evaluation:
    """What came of it, both by rising MACs.

    `networks` has one row a network: name, weights, px, reading, n, classes (that the images show),
    outputs; top1, top5, balanced (percent) and loss (nats), each with _low and _high; macs, params,
    activations; published_top1 (percent; nan where these images aren't all of ImageNet's); and
    where they were timed the columns of `timing.NetworkTimes`.
    `differences` has one row a neighbouring pair: left, right, difference, low, high (points),
    only_left, only_right, n, p_value, p_holm, verdict (on the right one). `remarks` are sentences
    on what to know of the images and the results.
    """

    networks: pd.DataFrame
    differences: pd.DataFrame
    remarks: tuple[str, ...]

    @property
    def is_imagenet(self) -> bool:
        """Whether the images show all of ImageNet's classes, to all of the networks."""
        seen = self.networks[["classes", "outputs"]]
        return bool((seen == IMAGENET_CLASSES).all(axis=None))


def evaluate(
    addresses: Sequence[str],
    root: Path,
    wish: Wish,
    *,
    split: str | None = None,
    classes: Path | None = None,
    images: int | None = None,
    batch: int = 64,
    out: Path | None = None,
    times: TimeBudget | None = None,
    watch: Watch = lambda *_: None,
) -> Evaluation:
    """Score the networks on the labelled images of `root`, as `labelled` finds them.

    `classes` is a file as `read_mapping` reads it. With `out` what each network says of each image
    is kept there, and not computed again. With `times` networks are timed too, once all images are
    seen, so that nothing runs beside. Raises UserError, before anything is computed, for an
    unknown network, absent weights, folders that are none of a network's classes, and a network
    named twice.
    """
    require(len(addresses) >= 1, "an evaluation needs a network", len(addresses))
    require(batch >= 1, "a batch must be at least 1", batch)
    shown = labelled(root, split, images)
    mapped = None if classes is None else read_mapping(classes, shown.folders)
    networks = sorted((pretrained(each, wish) for each in addresses), key=_macs)
    _require_once(networks)
    if str(classes) == IN_ORDER:
        _require_all_classes(networks, len(shown.folders))
    targets_of = [
        targets(shown.folders, each.classes, each.network.num_classes, mapped) for each in networks
    ]
    labels = _labels(networks)
    frames = {}
    with arithmetic("float32", wish.device):
        for label, network, class_indices in zip(labels, networks, targets_of, strict=True):
            frames[label] = _predicted(label, network, shown, class_indices, batch, out, watch)
    named = zip(labels, networks, strict=True)
    table = pd.DataFrame([_row(label, each, frames[label], shown) for label, each in named])
    remarks = [*_of_images(shown, root, images), *_of_results(table)]
    if times is not None:
        timed = network_times(networks, str(wish.device), times, wish.report)
        table = table.join(timed.columns)
        remarks += [timed.remark, *_of_times(table)]
    return Evaluation(table, _differences(frames), tuple(remarks))


def _require_once(networks: Sequence[Pretrained]) -> None:
    named = [f"{each.name} ({each.weights})" for each in networks]
    twice = [name for name in named if named.count(name) > 1]
    require(not twice, "each network is named once", twice[:1] and twice[0])


def _predicted(
    label: str,
    network: Pretrained,
    shown: Labelled,
    class_indices: Sequence[int],
    batch: int,
    out: Path | None,
    watch: Watch,
) -> pd.DataFrame:
    def report(done: int) -> None:
        watch(label, done, len(shown))

    if out is None:
        return predictions(network, shown, class_indices, batch, report)
    return kept_predictions(network, shown, class_indices, out / "predictions", batch, report)


def _require_all_classes(networks: Sequence[Pretrained], folders: int) -> None:
    """Raise UserError where folders can't be numbered by their order, since some are missing."""
    for each in networks:
        outputs = each.network.num_classes
        rule = f"to be numbered in order there must be a folder for each of {outputs} classes"
        require(folders == outputs, rule, folders, "give a file of classes")


def _macs(network: Pretrained) -> int:
    return count(network.network).macs


def _labels(networks: Sequence[Pretrained]) -> list[str]:
    """Names, and where two are the same their weights as well."""
    names = [each.name for each in networks]
    return [
        each.name if names.count(each.name) == 1 else f"{each.name} ({each.weights})"
        for each in networks
    ]


def _row(
    label: str, network: Pretrained, frame: pd.DataFrame, shown: Labelled
) -> dict[str, object]:
    cost, outputs = count(network.network), network.network.num_classes
    top1, balanced = accuracy(frame["top1"]), balanced_accuracy(frame["top1"], frame["target"])
    top5, loss = accuracy(frame["top5"]), cross_entropy(frame["loss"])
    if outputs <= TOP:
        top5 = Share(math.nan, math.nan, math.nan)
    shares = {"top1": top1, "top5": top5, "balanced": balanced}
    all_images = len(frame) == IMAGENET_CLASSES * IMAGES_OF_A_CLASS
    complete = all_images and len(shown.folders) == outputs == IMAGENET_CLASSES
    return {
        **{"network": label, "weights": network.weights},
        **{"px": network.network.resolution_px, "reading": network.reading},
        **{"n": len(frame), "classes": frame["target"].nunique(), "outputs": outputs},
        **{
            f"{name}{end}_percent": 100 * value
            for name, share in shares.items()
            for end, value in (("", share.value), ("_low", share.low), ("_high", share.high))
        },
        **{"loss": loss.mean, "loss_low": loss.low, "loss_high": loss.high},
        **{"macs": cost.macs, "params": cost.params, "activations": cost.activations},
        "published_top1_percent": network.published_top1 if complete else None,
    }


def _differences(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    names = list(frames)
    pairs = neighbours([frames[name]["top1"] for name in names])
    rows = [
        {
            **{"left": left, "right": right},
            "difference_points": 100 * pair.difference,
            **{"low_points": 100 * pair.low, "high_points": 100 * pair.high},
            **{"only_left": pair.only_left, "only_right": pair.only_right, "n": pair.n},
            **{"p_value": pair.p_value, "p_holm": pair.p_holm, "verdict": pair.verdict},
        }
        for (left, right), pair in zip(pairwise(names), pairs, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def _of_images(shown: Labelled, root: Path, images: int | None) -> Iterator[str]:
    where = "themselves" if shown.folder == root else f"{shown.folder.name}/"
    sample = f", evenly spaced, of those of {where}" if images else f" of {where}"
    yield f"{len(shown):,} images of {len({*shown.labels}):,} classes{sample} in {root}"
    turned = shown.turned()
    if turned:
        yield (
            f"{turned:,} images were turned upright as their EXIF orientation says, "
            "which torchvision's own evaluation doesn't"
        )


def _of_results(table: pd.DataFrame) -> Iterator[str]:
    most = int(table["outputs"].max())
    if table["classes"].min() < most:
        yield (
            f"networks choose among up to {most:,} classes: with these images alone top-1 is not "
            "what they reach on all classes"
        )
    for row in table.to_dict("records"):
        if row["top1_low_percent"] <= 100 / row["outputs"]:
            yield (
                f"{row['network']} is not shown to be better than chance "
                f"({100 / row['outputs']:.3g} %): are the classes in the network's order, and the "
                "weights whole?"
            )


def _of_times(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        if row["latency_flags"]:
            yield f"{row['network']}, time: {row['latency_flags']}"
