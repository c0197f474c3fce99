"""The answer of a trial, kept beside the environment of a run directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.gpu_share import ShareMeasurement, chosen, most_jobs, trial_words
from scaling_search.jobs.job import TrainJob

SHARE_FILE = "jobs-per-gpu.json"


@dataclass(frozen=True)
class ShareChoice:
    """How many jobs a card called `card` takes: by the file, or by a trial that then fills it."""

    path: Path
    card: str
    say: Callable[[str], None]

    def jobs(
        self,
        job: TrainJob,
        cards: Sequence[GpuCard],
        trial: Callable[[int], Sequence[ShareMeasurement]],
    ) -> int:
        """Jobs on each card; the trial, of `job`, is asked for at most so many."""
        stored = self.read()
        if stored is not None:
            return stored
        most = most_jobs(len(cards))
        if most == 1:  # a core each, and no more
            return 1
        self.say(
            f"GPU {cards[0].entry}: a trial of {job.architecture.name} finds how many trainings a "
            "GPU takes at once, for up to 3 minutes (--jobs-per-gpu N leaves it out)"
        )
        tried = trial(most)
        number = chosen(tried)
        self.say(f"{number} at once on each GPU; the trial, by their number: {trial_words(tried)}")
        content = {
            "card": self.card,
            "jobs": number,
            "tried": [asdict(measurement) for measurement in tried],
        }
        write_atomically(self.path, as_json(content))
        return number

    def read(self) -> int | None:
        """What a trial found on cards of this name; None where there was none, or it is garbled."""
        try:
            content = json.loads(self.path.read_bytes())
            return int(content["jobs"]) if content["card"] == self.card else None
        except (OSError, ValueError, LookupError, TypeError):
            return None
