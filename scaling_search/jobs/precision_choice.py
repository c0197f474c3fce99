"""Which precision "auto" is: by a trial on the card, then kept in the run directory.

The choice is part of every job, so a run that is taken up on another card does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scaling_search.core.number_formats import Precision
from scaling_search.jobs.run_choices import CHOICES_FILE, RunChoices, TriedPrecision

TRIED: tuple[Precision, ...] = ("tf32", "bfloat16")
WORTH = 1.05  # what bfloat16, of 8 bits instead of 11, must gain


@dataclass(frozen=True)
class PrecisionChoice:
    """The choice for one run directory, on the device of this name."""

    run_directory: Path
    device: str
    say: Callable[[str], None]

    def precision(self, rate: Callable[[Precision], float] | None) -> Precision:
        """The kept precision, else the better one by its images per second; float32 without a GPU.

        `rate` None: there is no GPU. Raises UserError as `RunChoices.read` does.
        """
        stored = self.read()
        if stored is not None:
            path = self.run_directory / CHOICES_FILE
            self.say(f'precision = "auto" is {stored}, as {path} has it')
            return stored
        if rate is None:
            self.say('precision = "auto" is float32 on a CPU')
            return self._keep("float32", {})
        self.say('precision = "auto": a trial of the base in tf32 and bfloat16, for half a minute')
        rates = {precision: rate(precision) for precision in TRIED}
        choice = faster(rates)
        words = ", ".join(
            f"{name}: {images_per_second:.0f}" for name, images_per_second in rates.items()
        )
        self.say(f'precision = "auto" is {choice}; the trial: {words} images/s')
        return self._keep(choice, rates)

    def read(self) -> Precision | None:
        """What was chosen before; None where nothing was."""
        stored = RunChoices.read(self.run_directory).precision
        return None if stored is None else stored.precision

    def _keep(self, choice: Precision, rates: Mapping[Precision, float]) -> Precision:
        choices = RunChoices.read(self.run_directory)
        tried = TriedPrecision(choice, self.device, dict(rates))
        replace(choices, precision=tried).write(self.run_directory)
        return choice


def faster(rates: Mapping[Precision, float]) -> Precision:
    """bfloat16 where it trains a twentieth more images per second than tf32, else tf32.

    Examples:
        >>> from scaling_search.jobs.precision_choice import faster
        >>> faster({"tf32": 1000.0, "bfloat16": 1040.0})
        'tf32'
    """
    return "bfloat16" if rates["bfloat16"] > WORTH * rates["tf32"] else "tf32"
