"""What a network says of each image: a frame, kept as a file where one is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch.nn import functional

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.hashing import digest
from scaling_search.nets.predict import Guess
from scaling_search.pretrained.classes import IMAGENET_CLASSES, imagenet_names
from scaling_search.pretrained.images import Labelled, batches
from scaling_search.pretrained.sources import Pretrained
from scaling_search.training.evaluate import TOP

CountReport = Callable[[int], None]
COLUMNS = ("image", "target", "predicted", "top1", "top5", "loss")


def predictions(
    network: Pretrained,
    images: Labelled,
    targets: Sequence[int],
    batch: int = 64,
    report: CountReport = lambda _: None,
) -> pd.DataFrame:
    """One row an image: the place of its class, the one seen, whether it is first or of the first
    five, and the cross-entropy in nats.

    `targets` are the places of the folders' classes among the network's logits.
    """
    places, rows = torch.tensor(targets)[torch.tensor(images.labels)], []
    start = 0
    for pixels in batches(images, network.read, batch):
        goal = places[start : start + len(pixels)]
        rows.append(_scores(network.logits(pixels), goal))
        start += len(pixels)
        report(start)
    table = torch.cat(rows).numpy()
    frame = pd.DataFrame(table, columns=list(COLUMNS[1:]))
    integers = {name: frame[name].astype("int64") for name in COLUMNS[1:-1]}
    return frame.assign(**integers, image=list(images.names))[list(COLUMNS)]


def kept_predictions(
    network: Pretrained,
    images: Labelled,
    targets: Sequence[int],
    folder: Path,
    batch: int = 64,
    report: CountReport = lambda _: None,
) -> pd.DataFrame:
    """As `predictions`, from the folder's file of exactly these weights and images if it is there.

    An evaluation that was interrupted goes on with the next network.
    """
    content = digest([network.content, images.content, list(targets)])
    path = folder / f"{network.name.replace(' ', '-').replace(':', '-')}-{content}.csv"
    stored = _read(path, len(images))
    if stored is not None:
        report(len(images))
        return stored
    frame = predictions(network, images, targets, batch, report)
    text = frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    write_atomically(path, text)
    return pd.read_csv(io.StringIO(text))


def guesses_of(network: Pretrained, paths: Sequence[Path], top: int = 5) -> list[list[Guess]]:
    """For each image file the `top` likeliest classes, the likeliest first.

    Classes go by the network's own names, or ImageNet's; by their places where it has neither.
    """
    names = class_names(network)
    guesses = []
    for path in paths:
        shares = network.logits(network.read(path)[None])[0].softmax(0)
        best = shares.topk(min(top, len(shares)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        guesses.append([Guess(names[index], share) for index, share in pairs])
    return guesses


def class_names(network: Pretrained) -> tuple[str, ...]:
    """The network's own, or ImageNet's; places where it has neither."""
    if network.classes is not None:
        return network.classes
    count = network.network.num_classes
    return imagenet_names() if count == IMAGENET_CLASSES else tuple(map(str, range(count)))


def _read(path: Path, rows: int) -> pd.DataFrame | None:
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError):  # absent, or no such table: computed anew
        return None
    return frame if tuple(frame.columns) == COLUMNS and len(frame) == rows else None


def _scores(logits: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """Of a batch, B × 5 in float64: the columns but for the image."""
    loss = functional.cross_entropy(logits, goal, reduction="none")
    best = logits.topk(min(TOP, logits.shape[1]), dim=1).indices
    hits = best == goal[:, None]
    columns = (goal, best[:, 0], hits[:, 0], hits.any(dim=1), loss)
    return torch.stack([column.double() for column in columns], dim=1)
