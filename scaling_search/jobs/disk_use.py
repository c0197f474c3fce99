"""How much room trainings need on the disk: their checkpoints, and their lines in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from scaling_search.cost.analytic import count
from scaling_search.jobs.job import TrainJob
from scaling_search.training.checkpoint import KEPT_CHECKPOINTS

# Weights, two slots of the optimiser and the averaged weights, each as float32.
STATE_BYTES_PER_PARAMETER = 4 * 4
# A training leaves two checkpoints of its plateau and one of its end, and writes one beside them.
FILES_A_TRAINING = KEPT_CHECKPOINTS + 1
# A line of the ledger is a few kB; its history grows with the epochs.
LEDGER_BYTES_A_TRAINING = 20_000


def state_bytes(job: TrainJob) -> int:
    """At most so many bytes are in one checkpoint of a training."""
    return STATE_BYTES_PER_PARAMETER * count(job.architecture).params


def disk_bytes(states: Sequence[int], largest: int = 0) -> int:
    """At most so many bytes are written for trainings whose checkpoints have these sizes.

    `largest` is that of a checkpoint that is there already.

    Examples:
        >>> from scaling_search.jobs.disk_use import disk_bytes
        >>> disk_bytes([1000, 2000])
        71000
    """
    files = FILES_A_TRAINING * sum(states) + max([largest, *states], default=0)
    return files + LEDGER_BYTES_A_TRAINING * (len(states) + 1)
