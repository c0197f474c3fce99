"""A training as a frozen value with a content hash."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

from pydantic import TypeAdapter

from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.core.hashing import digest
from scaling_search.cost.analytic import count
from scaling_search.cost.custom_network import CustomNetwork
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.training.recipe import Recipe


@dataclass(frozen=True)
class TrainJob:
    """Train one network on one set of images from one seed.

    `images` is the fingerprint of the images and of the study's split of them, which
    `data.validation_seed` draws anew; where they lie (`data.root`) and what the network is called
    are not part of the job's identity. `reads_test` says that the
    finished network is scored once on the test split; a search never sets it. `initial` are the
    weights that the network takes what fits of (None: it begins at random).

    Examples:
        >>> from dataclasses import replace
        >>> from scaling_search import DataRequest, count
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.training.recipe import Recipe
        >>> images = DataRequest(), "f" * 16, 3600  # what is asked for, its fingerprint, its images
        >>> job = TrainJob(zoo.get("nano"), *images, Recipe(), epochs=8, seed=0)
        >>> job.mac_images == count(job.architecture).macs * 3600 * 8
        True
        >>> longer = replace(job, epochs=20)
        >>> job.shared_hash == longer.shared_hash, job.hash == longer.hash
        (True, False)
    """

    architecture: Architecture | CustomNetwork
    data: DataRequest
    images: str
    train_images: int
    recipe: Recipe
    epochs: int
    seed: int
    reads_test: bool = False
    initial: InitialWeights | None = None

    @cached_property
    def shared_hash(self) -> str:
        """16 hex digits shared by all trainings that begin alike: same but for their length."""
        return digest(self._identity())

    @cached_property
    def own_hash(self) -> str:
        """16 hex digits of the training itself, whatever is read of it afterwards."""
        return digest({**self._identity(), "epochs": self.epochs})

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the content: the key of the ledger."""
        request = {"epochs": self.epochs, "reads_test": self.reads_test, "recipe": self.recipe}
        return digest({**self._identity(), **request})

    @cached_property
    def mac_images(self) -> int:
        """The training's length in forward multiply-adds: MACs × images × epochs."""
        return count(self.architecture).macs * self.train_images * self.epochs

    def _identity(self) -> dict[str, Any]:
        split_seed = self.data.validation_seed
        return {
            "kind": "training",
            "architecture": self.architecture.fingerprint,
            "images": self.images,
            **({} if split_seed is None else {"validation_seed": split_seed}),
            "recipe": self.recipe.training,
            "seed": self.seed,
            **({} if self.initial is None else {"initial": self.initial}),
        }


_JOBS = TypeAdapter(TrainJob)


def job_for(
    architecture: Network,
    data: tuple[DataRequest, DataInfo],
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    reads_test: bool = False,
    initial: InitialWeights | None = None,
) -> TrainJob:
    """The job that trains this network on these images (as `describe` found them).

    Raises UserError for a recipe whose `by_phi` is not resolved, or whose precision is "auto".

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.data.load import describe
        >>> from scaling_search.jobs.job import job_for
        >>> from scaling_search.training.recipe import Recipe
        >>> request = DataRequest("typefaces", train_images=400, test_images=40)
        >>> data = request, describe(request)
        >>> job_for(zoo.get("nano"), data, Recipe(), epochs=8, seed=0).train_images
        360
    """
    request, info = data
    rule = "a training has the recipe of one φ"
    require(not recipe.by_phi, rule, "by_phi", "resolve it with recipe.at_phi(phi)")
    _ = recipe.number_format  # or "auto" would be a job of its own
    return TrainJob(
        architecture=cast(Architecture | CustomNetwork, architecture),
        data=request,
        images=info.fingerprint,
        train_images=info.train_images,
        recipe=recipe,
        epochs=epochs,
        seed=seed,
        reads_test=reads_test,
        initial=initial,
    )


def job_to_json(job: TrainJob) -> dict[str, Any]:
    """The job as plain JSON values.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob, job_from_json, job_to_json
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 3600)
        >>> job = TrainJob(nano, *images, Recipe(), epochs=8, seed=0)
        >>> job_from_json(job_to_json(job)).hash == job.hash
        True
    """
    return asdict(job)


def job_from_json(values: object) -> TrainJob:
    """The job that `job_to_json` wrote; raises pydantic's ValidationError."""
    return _JOBS.validate_python(values)
