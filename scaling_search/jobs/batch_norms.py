"""Trainings whose batch norms would have nothing to normalise by, refused before the first."""

from __future__ import annotations

from collections.abc import Iterable

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.torchrun import peers
from scaling_search.nets.batch_norms import check_batch_norms
from scaling_search.training.distributed import ALONE, Group


def check_steps(jobs: Iterable[TrainJob]) -> None:
    """Raise UserError for a job whose every step would fail: one image a batch norm, of one pixel.

    Each network is looked at once.
    """
    ranks = peers()
    group = ALONE if ranks is None else ranks.group
    for job in {job.architecture: job for job in jobs}.values():
        _check(job, group)


def _check(job: TrainJob, group: Group) -> None:
    recipe, px = job.recipe, job.architecture.resolution_px
    images = group.part_size(recipe) * (group.world if recipe.sync_batch_norm else 1)
    parts = f", or lower accumulate = {recipe.accumulate}" if recipe.accumulate > 1 else ""
    hint = f"raise batch_size = {recipe.batch_size}{parts}, or take larger images"
    for side in sorted({recipe.side_px_at(0, job.epochs, px), px}):
        check_batch_norms(job.architecture, side, images, hint)
