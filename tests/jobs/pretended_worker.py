"""A worker on a card that is made up: the words of `jobs.worker`, without torch and at once.

What a card does is in the folder PRETENDED: a file of the card's name holds one word.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

CARD = os.environ["CUDA_VISIBLE_DEVICES"]
FOLDER = Path(os.environ["PRETENDED"])
FINISHED: dict[str, Any] = json.loads(os.environ["PRETENDED_RESULT"])
FULL = {"batch_size": 30, "reason": "CUDA out of memory", "kind": "out-of-memory"}
ANSWERS: list[TextIO] = []  # the pipe to the driver
ECC = "AcceleratorError: CUDA error: uncorrectable ECC error encountered"
ASSERTION = "AcceleratorError: CUDA error: device-side assert triggered"


def failed(reason: str) -> dict[str, Any]:
    return {"reason": reason, "kind": "failed"}


def say(kind: str, content: object) -> None:
    print(json.dumps({kind: content}), file=ANSWERS[0], flush=True)


def first_time(name: str) -> bool:
    """Whether nobody has done this on the card before."""
    try:
        (FOLDER / f"{CARD}-{name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def result(word: str) -> dict[str, Any]:
    """What comes of a job on a card that does this."""
    match word:
        case "is full of others":
            say("others bytes", 70 << 30)
            return FULL
        case "is full of ours":
            # The first job stays until a second one has found no room beside it.
            if not first_time("taken"):
                if first_time("lacked"):
                    return FULL
                return FINISHED
            while not (FOLDER / f"{CARD}-lacked").exists():
                time.sleep(0.01)
        case "is too small":
            return FULL
        case "fails":
            return failed(ECC)
        case "is asserted on":
            return failed(ASSERTION)
        case "kills" if first_time("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
    return FINISHED


def count_steps() -> None:
    """Ten steps a second, by a clock of its own, until somebody ends this."""
    for step in range(1_000_000):
        say("steps", [step, step / 10])
        time.sleep(0.01)


def main(pipe: int) -> None:
    ANSWERS.append(os.fdopen(pipe, "w"))
    does = FOLDER / CARD
    for line in sys.stdin:
        if json.loads(line)["counts"] and (not does.exists() or first_time("counted")):
            count_steps()
        say("where", {"device": "a made-up card", "gpu": f"GPU-{CARD}-of-this-node"})
        say("result", result(does.read_text() if does.exists() else ""))
