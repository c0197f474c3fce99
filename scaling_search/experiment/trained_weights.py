"""The trained networks of a run, found by what the comparison calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.core import toml_config
from scaling_search.core.errors import UserError, require
from scaling_search.data.load import load_split
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.run_comparison import coefficients_of, read_ledger
from scaling_search.jobs.job import TrainJob
from scaling_search.nets.build import build
from scaling_search.nets.model_card import Card
from scaling_search.nets.residuals import fold_branch_scales, scale_branches
from scaling_search.training import checkpoint

# "compound:1" as one types it, "compound φ=1" as a table shows it, "base" alone.
_ADDRESS = re.compile(r"([A-Za-z][\w-]*)(?:(?::| φ=)(-?\d+(?:\.\d+)?))?")


def trained_network(
    run_directory: Path, network: str, seed: int | None = None, *, root: str | None = None
) -> tuple[nn.Module, Card]:
    """A network of a run's comparison with its trained weights, and what it expects of images.

    `network` is "base", or a method and φ as in "compound:1"; `seed` one of the comparison's (None:
    its first). Reads the training images for their mean, from `root` where they have moved, unless
    they were seen as pretrained weights see them. Raises
    UserError when there is no such network, or its training is not finished.
    """
    experiment = _with_table(run_directory, root)
    seed, ledger = _seed(experiment, seed), read_ledger(run_directory)
    members = experiment.members(coefficients_of(experiment, ledger))
    chosen = member_named(members, network)
    trainings = experiment.trainings(members, ledger.get)
    job = trainings.job(chosen, seed, trainings.best_rate(chosen), reads_test=True)
    state = trained_weights(job, run_directory / "checkpoints")
    module = build(job.architecture)
    if job.recipe.branch_scale == "1/sqrt(depth)":
        scale_branches(module)
    module.load_state_dict(state)
    fold_branch_scales(module)
    return module.eval(), _card(job, experiment)


def seed_of(run_directory: Path, seed: int | None) -> int:
    """The seed that is meant of a run's comparison: this one, or its first.

    Raises UserError for a seed that it doesn't have.
    """
    return _seed(_with_table(run_directory), seed)


def _with_table(run_directory: Path, root: str | None = None) -> Experiment:
    """The experiment of a run whose networks tables describe; raises UserError for a function's.

    A file without the code that makes its network would be none that others can use.
    """
    text = toml_config.read_text(run_directory / "study.toml", "study")
    values = toml_config.parsed(text, str(run_directory / "study.toml"))
    base = str(values.get("base", ""))
    if ":" in base and not values.get("network"):
        raise UserError(
            f"a network is exported with its table of stages, got one that {base} makes: load the "
            f"tensors below {str(run_directory / 'checkpoints')!r} whose names begin with model. "
            "into the module that it makes"
        )
    return read_experiment(run_directory, root=root)


def member_named(members: Sequence[Member], network: str) -> Member:
    """The member that an address means; raises UserError with all addresses for an unknown one."""
    match = _ADDRESS.fullmatch(network.strip())
    if match is not None:
        method, phi = match[1], float(match[2] or 0)
        for member in members:
            if (member.method, member.phi) == (method, phi):
                return member
    addresses = ", ".join(map(address_of, members))
    raise UserError(f"the network must be one of {addresses}, got {network!r}")


def address_of(member: Member) -> str:
    """How a member of the comparison is named on the command line."""
    return member.method if member.method == "base" else f"{member.method}:{member.phi:g}"


def trained_weights(job: TrainJob, checkpoints: Path) -> dict[str, torch.Tensor]:
    """The weights that were scored (averaged, where the recipe averages) of a finished training.

    From the newest whole checkpoint below `checkpoints`. Raises UserError when the training has
    not come to its end, or its checkpoints are gone or damaged.
    """
    folder = checkpoints / job.shared_hash / job.own_hash
    last_step = job.train_images // job.recipe.batch_size * job.epochs
    newest = next(checkpoint.valid_checkpoints(folder, at_most=last_step), None)
    if newest is None or newest.step < last_step:
        in_words = "none" if newest is None else f"one of step {newest.step} of {last_step}"
        raise UserError(
            f"the trained weights of {job.architecture.name}, seed {job.seed}, must lie in "
            f"{str(folder)!r}, got {in_words}: run the study to its end with the same --out"
        )
    return _scored(newest.tensors)


def _scored(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    averaged = "averaged.module."
    start = averaged if any(name.startswith(averaged) for name in tensors) else "model."
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def _seed(experiment: Experiment, seed: int | None) -> int:
    seeds = experiment.study.compare.every_seed
    chosen = seeds[0] if seed is None else seed
    require(chosen in seeds, f"seed must lie in {seeds[0]} to {seeds[-1]}", chosen)
    return chosen


def _statistics(job: TrainJob) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and deviation that the network's images were normalised by."""
    initial = job.initial
    if initial is not None and initial.mean is not None and initial.std is not None:
        return initial.mean, initial.std
    train = load_split(job.data, "train", job.architecture.resolution_px, torch.device("cpu"))
    mean, std = (tuple(values.tolist()) for values in (train.mean, train.std))
    return mean, std


def _card(job: TrainJob, experiment: Experiment) -> Card:
    network = job.architecture
    if not isinstance(network, Architecture):
        raise UserError(f"a network that is exported needs a table of stages, got {network.name!r}")
    mean, std = _statistics(job)
    rules = experiment.study.data.pixel_rules
    return Card(network, experiment.info.classes, mean, std, rules.ground, rules.value_range)
