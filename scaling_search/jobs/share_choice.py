"""How many jobs a card takes: by the trial of a run directory, which is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.gpu_share import ShareMeasurement, chosen, most_jobs, trial_words
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.run_choices import RunChoices, TriedShare


@dataclass(frozen=True)
class ShareChoice:
    """How many jobs a card called `card` takes: as the run directory has it, or by a trial."""

    run_directory: Path
    card: str
    say: Callable[[str], None]

    def jobs(
        self,
        job: TrainJob,
        cards: Sequence[GpuCard],
        trial: Callable[[int], Sequence[ShareMeasurement]],
    ) -> int:
        """Jobs on each card; the trial, of `job`, is asked for at most so many.

        Raises UserError as `RunChoices.read` does.
        """
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
        tried = tuple(trial(most))
        number = chosen(tried)
        self.say(f"{number} at once on each GPU; the trial, by their number: {trial_words(tried)}")
        share = TriedShare(self.card, number, tried)
        choices = RunChoices.read(self.run_directory)
        replace(choices, jobs_per_gpu=share).write(self.run_directory)
        return number

    def read(self) -> int | None:
        """What a trial found on cards of this name; None where there was none."""
        share = RunChoices.read(self.run_directory).jobs_per_gpu
        return share.jobs if share is not None and share.card == self.card else None
