"""Where the trainings of a run take place, of all that its caller may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from scaling_search.core.errors import require
from scaling_search.experiment.study import Study
from scaling_search.jobs.backend import OpenBackend
from scaling_search.jobs.environment import chosen_device
from scaling_search.jobs.executor import Event
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.ray.backend import RayBackend
from scaling_search.jobs.torchrun import peers
from scaling_search.jobs.torchrun_program import TorchrunBackend
from scaling_search.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingPlacement:
    """On which device, in how many workers at a time, and for how long at most a training runs.

    That is on this machine, as `local` has it, or on a cluster where `ray` names one; by all
    processes together where torchrun has started this one.
    """

    device: str = "auto"
    workers: int | None = None
    limit_seconds: float | None = None
    local: LocalBackend = field(default_factory=LocalBackend)
    ray: RayBackend | None = None

    def for_study(self, study: Study, say: Callable[[str], None]) -> TrainingPlacement:
        """The placement with the device that "auto" is, and the workers that the study allows.

        Raises UserError for a device that there isn't, and for workers that can't train it.
        """
        device = self.device if self.ray else chosen_device(self.device)
        workers = self.workers
        require(workers is None or workers >= 0, "workers must be 0 or more", workers)
        if study.is_function and study.base.startswith("__main__:"):
            workers = _in_this_process(study.base, workers, self.ray)
        return replace(self, device=device, workers=workers, local=replace(self.local, say=say))

    def backend(self, recipe: Recipe, on_event: Callable[[Event], None]) -> OpenBackend:
        """What opens it; raises UserError for what can't be asked for together."""
        ranks = peers()
        rule = "--gpus and --jobs-per-gpu are for workers on this machine"
        require(self.local.is_plain or not (self.ray or ranks), rule, "them with Ray or torchrun")
        if ranks is None:
            return self.ray.open if self.ray else self.local.open
        require(self.ray is None, "torchrun trains by itself, without --ray", "both")
        together = TorchrunBackend(ranks, on_event)
        together.check(recipe, self.device, self.workers, self.limit_seconds)
        return together.open

    @property
    def trial_backend(self) -> LocalBackend | None:
        """What makes trials before the run; None where it trains elsewhere than they would."""
        return None if self.ray or peers() else self.local


def _in_this_process(function: str, workers: int | None, ray: RayBackend | None) -> int:
    """0 workers for a function of a notebook or of the script itself: no other process has it."""
    rule = (
        f"{function} is a notebook's or the script's own, so it trains in this process (workers=0)"
    )
    mend = "write it into a file of its own and name that module"
    require(ray is None, rule, ray and ray.address, mend)
    require(not workers, rule, workers, mend)
    return 0
