"""One network trained and scored: its jobs through a ledger, then a result and weights as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.frames import class_rows
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.core.errors import UserError, require
from scaling_search.cost.analytic import count
from scaling_search.data.request import DataRequest
from scaling_search.experiment.comparison import Comparison
from scaling_search.experiment.opening import open_runner
from scaling_search.experiment.placement import TrainingPlacement
from scaling_search.experiment.runner import NullListener, ProgressListener
from scaling_search.experiment.study import Study
from scaling_search.experiment.tracked import tracked
from scaling_search.experiment.trained_weights import trained_network
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.result import Finished, Result
from scaling_search.nets.export import export
from scaling_search.pretrained.initial import Init
from scaling_search.training.history import ClassCounts
from scaling_search.training.recipe import Recipe


@dataclass(frozen=True)
class Trained:
    """What came of one training; `weights` is a safetensors file with its card, if it finished.

    `classes` are the names of the data set's classes.
    """

    job: TrainJob
    result: Result
    weights: Path | None
    classes: tuple[str, ...] = ()

    @property
    def row(self) -> dict[str, Any]:
        """The result in plain values; accuracies in percent."""
        job, result = self.job, self.result
        cost = count(job.architecture)
        done = result if isinstance(result, Finished) else None
        return {
            **{"network": job.architecture.name, "px": job.architecture.resolution_px},
            **{"seed": job.seed, "epochs": job.epochs, "train_images": job.train_images},
            **{"macs": cost.macs, "params": cost.params, "status": result.kind},
            "validation_top1_percent": _percent(done.validation_top1 if done else None),
            "test_top1_percent": _percent(done.test_top1 if done else None),
            "validation_balanced_percent": _balanced(done.validation_classes if done else None),
            "test_balanced_percent": _balanced(done.test_classes if done else None),
            "train_seconds": round(done.train_seconds if done else 0.0, 1),
        }

    @property
    def by_class(self) -> list[dict[str, Any]]:
        """A row a class: its images in the validation and the test split, and how many are right.

        Empty where the training did not finish.
        """
        result = self.result
        return list(class_rows(result, self.classes)) if isinstance(result, Finished) else []

    @property
    def values(self) -> dict[str, Any]:
        """All of it in plain values, the weights by the name of their file."""
        weights = self.weights and self.weights.name
        return self.row | {"weights": weights, "classes": self.by_class}


def alone(
    network: Architecture,
    name: str,
    data: DataRequest,
    recipe: Recipe,
    *,
    px: int | None = None,
    fit_strides: bool = False,
    epochs: int = 8,
    seeds: Sequence[int] = (0,),
    init: Init | None = None,
) -> Study:
    """The study of this network alone, without a search and without rivals.

    Raises UserError for pixels that its strides can't take, no epochs, and no or negative seeds.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.experiment.single_network import alone
        >>> from scaling_search.training.recipe import Recipe
        >>> study = alone(zoo.get("mini"), "mini", DataRequest("cifar10"), Recipe(), seeds=(5, 6))
        >>> study.compare.first_seed, study.compare.seeds, study.compare.rivals
        (5, 2, ())
    """
    require(len(seeds) >= 1, "a training needs at least 1 seed", len(seeds))
    require(min(seeds) >= 0, "a seed must be 0 or more", min(seeds))
    first, last = min(seeds), max(seeds)
    compared = Comparison(
        (0.0,),
        rivals=(),
        epochs=epochs,
        seeds=last - first + 1,
        first_seed=first,
        constants=Coefficients(1, 1, 1),
    )
    return Study(
        name,
        base=network.name,
        network=network,
        base_px=px,
        fit_strides=fit_strides,
        init=init,
        data=data,
        compare=compared,
        recipe=recipe,
    )


def train_alone(
    study: Study,
    seeds: Sequence[int],
    out: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    limit_seconds: float | None = None,
    gpus: int | str | None = None,
    jobs_per_gpu: int | Literal["auto"] = "auto",
    retry_failed: bool = False,
    track: Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> tuple[Trained, ...]:
    """Train the base of a study made by `alone` from these seeds, unless the ledger has them.

    The run directory is like any other: `report`, `export` and `predict` read it; `result.json`
    and a safetensors file a seed are written beside. `track` names trackers, as `run` does. Raises
    UserError for what can't be met, before anything is trained, the second run on one directory
    among it.
    """
    listener = listener or NullListener()
    local = LocalBackend(None if gpus is None else str(gpus), jobs_per_gpu, at_most=len(seeds))
    placement = TrainingPlacement(device, workers, limit_seconds, local)
    with (
        tracked(listener, track, study.name, out) as listeners,
        open_runner(study, out, placement, listeners, retry_failed=retry_failed) as runner,
    ):
        experiment = runner.experiment
        jobs = [experiment.compare_job(experiment.base, seed) for seed in seeds]
        runner.finish("training", jobs)
        results = [(job, runner.ledger.get(job)) for job in jobs]
    trained = tuple(
        Trained(
            job,
            result,
            _weights(job, out, listener) if isinstance(result, Finished) else None,
            experiment.info.classes,
        )
        for job, result in results
        if result is not None
    )
    write_atomically(out / "result.json", as_json([network.values for network in trained]))
    return trained


def _weights(job: TrainJob, out: Path, listener: ProgressListener) -> Path | None:
    """The scored weights as a file with its card; None, and said, where checkpoints are gone."""
    try:
        module, card = trained_network(out, "base", job.seed)
    except UserError as error:
        listener.say(f"no weights are written: {error}")
        return None
    path = out / f"{job.architecture.name}-seed-{job.seed}.safetensors"
    return export(module, card, path, "safetensors").path


def _balanced(counts: ClassCounts | None) -> float | None:
    return None if counts is None else _percent(counts.balanced_accuracy)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 2)
