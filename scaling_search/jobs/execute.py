"""One job, start to end, in this process: load, build, train, score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from scaling_search.cost.arithmetic import arithmetic
from scaling_search.cost.current_device import make_current
from scaling_search.cost.device_memory import give_back, lacks_memory
from scaling_search.cost.torch_defaults import torch_defaults
from scaling_search.data.load import forget_splits, load_split
from scaling_search.data.request import SplitName
from scaling_search.data.splits import Split, with_statistics
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Diverged, Finished, OtherSide, OutOfMemory, Result
from scaling_search.jobs.starting_network import starting_network
from scaling_search.nets.compilation import forget_compiled
from scaling_search.training.determinism import determinism
from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.evaluate import SplitEvaluation, evaluate_split, score
from scaling_search.training.history import EpochRecord
from scaling_search.training.loop import DivergedError, Trainer
from scaling_search.training.recipe import Recipe


def execute(
    job: TrainJob,
    place: Place,
    *,
    stop_asked: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    group: Group = ALONE,
) -> Result:
    """Train the job's network and score it; what may be expected to fail is a result.

    A lack of memory may be that of a moment: the job is tried once more, in as much room as this
    process can make. Each process of a group does its part of one training, and all have its
    result; a group tries again together, in `jobs.torchrun`. Raises StoppedError once `stop_asked`
    says so and the checkpoint is written; UserError; OSError; and what a user's network raises.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.data.load import describe
        >>> from scaling_search.jobs.execute import execute
        >>> from scaling_search.jobs.place import Place
        >>> from scaling_search.jobs.job import job_for
        >>> from scaling_search.training.recipe import Recipe
        >>> request = DataRequest("typefaces", train_images=100, test_images=20)
        >>> job = job_for(zoo.get("nano"), (request, describe(request)), Recipe(), epochs=2, seed=0)
        >>> result = execute(job, Place("cpu"))
        >>> result.kind, [record.epoch for record in result.history], result.test
        ('finished', [1, 2], None)
    """
    make_current(torch.device(place.device))
    with torch_defaults():
        result = _attempt(job, place, stop_asked, on_epoch, group)
        if isinstance(result, OutOfMemory) and group.world == 1:
            release_memory(place)
            result = _attempt(job, place, stop_asked, on_epoch, group)
    if isinstance(result, OutOfMemory):
        release_memory(place)
    elif place.device != "cpu":  # others on the GPU may need what this job has cached
        give_back(torch.device(place.device))
    return result


def release_memory(place: Place) -> None:
    """Let go of all memory that this process only keeps for later."""
    forget_splits()
    give_back(torch.device(place.device))


def _attempt(
    job: TrainJob,
    place: Place,
    stop_asked: Callable[[], bool],
    on_epoch: Callable[[EpochRecord], None],
    group: Group,
) -> Result:
    try:
        with (
            _compiled_code_dropped(job.recipe),
            arithmetic(job.recipe.number_format, torch.device(place.device)) as in_force,
            determinism(job.recipe.deterministic),
        ):
            result = _execute(job, place, stop_asked, on_epoch, group)
        return replace(result, float32=in_force)
    except DivergedError as error:
        return Diverged(str(error))
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        return OutOfMemory(job.recipe.batch_size, str(error))


@contextmanager
def _compiled_code_dropped(recipe: Recipe) -> Iterator[None]:
    """What this block compiles is not there for the next job, whose versions would add to it."""
    try:
        yield
    finally:
        if recipe.is_compiled:
            forget_compiled()


def _execute(
    job: TrainJob,
    place: Place,
    stop_asked: Callable[[], bool],
    on_epoch: Callable[[EpochRecord], None],
    group: Group,
) -> Finished:
    device = torch.device(place.device)
    px = job.architecture.resolution_px
    train = _split(job, "train", px, device)
    validation = _split(job, "validation", px, device)
    model = starting_network(job)
    trainer = Trainer(
        model,
        train,
        validation,
        job.recipe,
        job.epochs,
        job.seed,
        device,
        checkpoint_policy=place.checkpoint_policy(job, stop_asked),
        on_epoch=on_epoch,
        group=group,
    )
    history = tuple(trainer.run())
    validated, tested = trainer.class_counts(), _tested(trainer, job, px)
    return Finished(
        history,
        None if tested is None else tested.scores,
        _other_side(trainer, job),
        validation_classes=validated,
        test_classes=None if tested is None else tested.classes,
    )


def _split(job: TrainJob, name: SplitName, px: int, device: torch.device) -> Split:
    """A split as the job's network sees it: pretrained weights bring their own normalisation."""
    split, initial = load_split(job.data, name, px, device), job.initial
    if initial is None or initial.mean is None or initial.std is None:
        return split
    return with_statistics(split, initial.mean, initial.std)


def _tested(trainer: Trainer, job: TrainJob, px: int) -> SplitEvaluation | None:
    if not job.reads_test:
        return None
    test = _split(job, "test", px, trainer.device)
    return evaluate_split(trainer.state.evaluated, test, job.recipe, trainer.device, trainer.group)


def _other_side(trainer: Trainer, job: TrainJob) -> OtherSide | None:
    """The finished network on images of the recipe's other side, if it asks for one."""
    px = job.recipe.evaluated_px(job.architecture.resolution_px)
    if px == job.architecture.resolution_px:
        return None
    validation = _split(job, "validation", px, trainer.device)
    weights = trainer.state.evaluated
    scores = score(weights, validation, job.recipe, trainer.device, trainer.group)
    tested = _tested(trainer, job, px)
    return OtherSide(px, scores, None if tested is None else tested.scores)
