"""A process that trains by one loop: orders come in as JSON lines, what they took goes out.

`python -m peers.child '{"loop": …, …}'` is started by `process.Team`. Its first answer holds the
logits of the fresh network for the first images: all loops must agree.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import torch

from peers.ours import ours
from peers.reference import reference
from peers.seeds import at_once, in_turn
from peers.task import Loop, Task
from peers.timm_train import timm_train
from peers.tutorial import tutorial
from scaling_search.arch import zoo
from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest
from scaling_search.data.splits import ResidentSplit

LOOPS = {
    "ours, shifted": lambda task: ours(task, "shift"),
    "ours, cropped": lambda task: ours(task, "random-resized-crop"),
    "ours, seeds grouped": lambda task: at_once(task, "grouped"),
    "ours, seeds stacked": lambda task: at_once(task, "stacked"),
    "ours, seeds in turn": in_turn,
    "tutorial": tutorial,
    "timm": timm_train,
    "torchvision": reference,
}


def task_of(asked: dict[str, Any]) -> Task:
    """The task of an order; the images are `typefaces`, which every machine can draw."""
    train = load_split(DataRequest(train_images=asked["images"]), "train", asked["px"])
    if not isinstance(train, ResidentSplit):
        raise TypeError("these few images lie whole in memory")
    network = zoo.get(asked["network"]).fitted(
        resolution_px=asked["px"], num_classes=20, in_channels=1
    )
    seeds = asked.get("seeds", 1)
    return Task(network, train, asked["batch_size"], asked["loaders"], seeds=seeds)


@torch.inference_mode()
def logits(loop: Loop) -> list[list[float]]:
    """What the fresh network says of the first batch of images as they are."""
    images, _ = next(iter(loop.plain))
    found: list[list[float]] = loop.model.eval()(images).tolist()
    return found


def main() -> None:
    """Answer until standard input ends."""
    asked = json.loads(sys.argv[1])
    loop = LOOPS[asked["loop"]](task_of(asked))
    print(json.dumps({"logits": logits(loop), "threads": torch.get_num_threads()}), flush=True)
    for _ in sys.stdin:
        cpu = time.process_time()
        images = loop.epoch()
        spent = time.process_time() - cpu
        print(json.dumps({"images": images, "cpu_seconds": spent}), flush=True)


if __name__ == "__main__":
    main()
