"""What trainings cost together, in forward multiply-adds × images.

A longer training goes on from where the plateau of a shorter one of the same network and seed ends,
so only what is really trained counts: the shorter's fall is the price of its rung.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scaling_search.jobs.job import TrainJob


def spent_mac_images(jobs: Iterable[TrainJob]) -> int:
    """What these trainings cost together; the same training twice costs once.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.search.spending import spent_mac_images
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 6400)
        >>> short, long = (TrainJob(nano, *images, Recipe(), epochs, seed=0) for epochs in (5, 10))
        >>> spent_mac_images([short, long]) / long.mac_images  # 3 of the 5 epochs are shared
        1.2
    """
    plateaus: dict[str, list[TrainJob]] = {}
    for job in {job.hash: job for job in jobs}.values():
        plateaus.setdefault(job.shared_hash, []).append(job)
    return sum(_spent(sorted(rungs, key=lambda job: job.epochs)) for rungs in plateaus.values())


def added_mac_images(job: TrainJob, done: Iterable[TrainJob]) -> int:
    """What one more training costs beside those that are done.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.search.spending import added_mac_images
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 6400)
        >>> short, long = (TrainJob(nano, *images, Recipe(), epochs, seed=0) for epochs in (5, 10))
        >>> added_mac_images(long, done=[short]) / long.mac_images
        0.7
    """
    alike = [other for other in done if other.shared_hash == job.shared_hash]
    return spent_mac_images([*alike, job]) - spent_mac_images(alike)


def _spent(rungs: Sequence[TrainJob]) -> int:
    per_step = rungs[0].mac_images / rungs[0].epochs / _steps(rungs[0], 1)
    saved = sum(job.recipe.plateau_steps(_steps(job, job.epochs)) for job in rungs[:-1])
    return round(per_step * (sum(_steps(job, job.epochs) for job in rungs) - saved))


def _steps(job: TrainJob, epochs: int) -> int:
    return job.train_images // job.recipe.batch_size * epochs
