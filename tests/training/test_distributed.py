"""Several processes that train one network: what one process would do, and one that writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.preemption import REQUEUE
from scaling_search.jobs.result import Diverged, Finished, OutOfMemory, Result, result_from_json
from scaling_search.training.checkpoint import load, step_of
from scaling_search.training.distributed import Group
from scaling_search.training.recipe import Recipe
from tests.jobs.small import without_times
from tests.training import ranks
from tests.training.ranks import Ended, trained

# 180 training images in batches of 20: 9 steps an epoch, 18 in all, the fall from step 11.
WORDS = ["--train-images=200", "--batch-size=20", "--epochs=2", "--device=cpu", "--json"]
NETWORK = """
name = "mine"
resolution_px = 8
stem_channels = 8
stem_stride = 1
head_channels = 32
norm = "{}"
[[stages]]
block = "mbconv"
channels = 16
repeats = 2
stride = 2
expansion = 4
"""
EVERYTHING = 'like = "default"\naccumulate = 2\nclip_norm = 1.0\nema_decay = 0.9\n'
SYNCHRONISED = 'like = "default"\nsync_batch_norm = true\n'


@dataclass(frozen=True)
class Run:
    """A run that has ended, and where it lies."""

    out: Path
    ended: Ended

    @property
    def results(self) -> list[Result]:
        """What its ledger holds."""
        ledger = Ledger.snapshot(self.out / "ledger.jsonl")
        assert ledger.notes == []
        return [result_from_json(record["result"]) for record in ledger.records()]

    @property
    def finished(self) -> Finished:
        """Its only result."""
        (result,) = self.results
        assert isinstance(result, Finished), result
        return result

    @property
    def losses(self) -> list[float]:
        return [record.train_loss for record in self.finished.history]

    @property
    def checkpoints(self) -> list[Path]:
        return sorted(self.out.rglob("0*.safetensors"))


def words(out: Path, *more: str, norm: str = "batch", recipe: str = "") -> list[str]:
    """The command that trains the small network."""
    out.parent.mkdir(parents=True, exist_ok=True)
    network, table = out.with_suffix(".network.toml"), out.with_suffix(".recipe.toml")
    network.write_text(NETWORK.format(norm))
    table.write_text(recipe or 'like = "default"\n')
    return ["train", str(network), f"--recipe={table}", f"--out={out}", *WORDS, *more]


def run(out: Path, *more: str, norm: str = "batch", recipe: str = "", **how: Any) -> Run:
    asked = words(out, *more, norm=norm, recipe=recipe)
    return Run(out, trained(asked, out.with_suffix(".said"), **how))


def alone(out: Path, norm: str = "batch", recipe: str = "") -> Run:
    return run(out, "--workers=0", norm=norm, recipe=recipe, alone=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("pair") / "out")


def same_weights(a: Run, b: Run) -> bool:
    """Whether the last checkpoints are equal to the last bit: weights, optimiser and all."""
    ours, theirs = (load(max(each.checkpoints, key=step_of)) for each in (a, b))
    assert ours is not None
    assert theirs is not None
    assert ours.step == theirs.step == 18
    assert ours.tensors.keys() == theirs.tensors.keys()
    return all(torch.equal(ours.tensors[name], theirs.tensors[name]) for name in ours.tensors)


@pytest.mark.parametrize(
    ("norm", "recipe"),
    [("layer", EVERYTHING), ("batch", SYNCHRONISED)],
    ids=["without batch norms", "synchronised"],
)
def test_two_processes_learn_what_one_learns_from_the_same_batches(
    tmp_path: Path, norm: str, recipe: str
) -> None:
    two = run(tmp_path / "two", norm=norm, recipe=recipe)
    single = alone(tmp_path / "one", norm, recipe)
    assert two.losses == pytest.approx(single.losses, rel=1e-5)
    # Of 2000 images some lie so close to a border that rounding decides.
    assert two.finished.test_top1 == pytest.approx(single.finished.test_top1, abs=0.003)
    ours, theirs = (load(each.checkpoints[-1]) for each in (two, single))
    assert ours is not None
    assert theirs is not None
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():
        torch.testing.assert_close(ours.tensors[name], tensor, rtol=1e-3, atol=1e-4)


def test_batch_norms_that_are_not_synchronised_see_less(pair: Run, tmp_path: Path) -> None:
    assert pair.losses != pytest.approx(alone(tmp_path / "one").losses, rel=1e-5)


def test_one_process_writes_and_prints(pair: Run) -> None:
    assert pair.ended.statuses == [0, 0]
    (row,) = json.loads(pair.ended.printed[0])
    assert row["status"] == "finished"
    assert row["train_images"] == 180
    *said, ended = pair.ended.said[0].splitlines()
    assert ended.startswith("mine, 8 px, seed 0: ")
    assert "0 trainings left" in ended
    assert [line[:22] for line in said] == [
        "the smallest class, De",
        "training: 1 training l",
        "seed 0, epoch 1 of 2: ",
        "seed 0, epoch 2 of 2: ",
    ]
    assert (pair.ended.printed[1], pair.ended.said[1]) == ("", "")
    assert [step_of(path) for path in pair.checkpoints] == [11, 18]
    assert len(pair.results) == 1
    environment = json.loads((pair.out / "environment.json").read_text())
    assert environment["processes per training"] == "2"


def test_a_killed_process_ends_all_and_the_same_command_goes_on_bitwise(
    pair: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = ranks.under_torchrun(words(out))
    assert ended.returncode == 1
    assert "(SIGKILL)" in ended.stderr
    assert "the same command goes on" in ended.stderr
    assert ended.stdout == ""
    killed = Run(out, Ended([], [], []))
    assert killed.results == []
    assert [step_of(path) for path in killed.checkpoints] == [11]
    again = run(out)
    assert again.ended.statuses == [0, 0]
    assert same_weights(again, pair)
    assert without_times(*again.results) == without_times(*pair.results)


def test_any_process_that_is_asked_for_room_stops_all_at_the_same_step(
    pair: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stopped = run(out, on=ranks.ask_for_room)
    assert stopped.ended.statuses == [REQUEUE, 0]
    # At the next exchange: at the latest at the end of the epoch.
    (path,) = stopped.checkpoints
    assert 5 <= step_of(path) <= 9
    again = run(out)
    assert same_weights(again, pair)
    assert without_times(*again.results) == without_times(*pair.results)


def test_what_fails_in_one_process_is_the_result_of_all_and_the_next_training_runs(
    tmp_path: Path,
) -> None:
    outcome = run(tmp_path / "out", "--seeds=2", on=ranks.fail_twice)
    assert outcome.ended.statuses == [1, 0]
    no_memory = OutOfMemory(20, "tried to allocate 2 GiB")
    assert outcome.results == [no_memory, Diverged("the loss of epoch 1 is nan")]


def test_a_shortage_of_memory_that_passes_in_one_process_costs_no_result(
    pair: Run, tmp_path: Path
) -> None:
    outcome = run(tmp_path / "out", on=ranks.lack_memory_once)
    assert outcome.ended.statuses == [0, 0]
    assert same_weights(outcome, pair)
    assert without_times(*outcome.results) == without_times(*pair.results)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--batch-size=21", "batch_size must divide by 2 processes, got 21: 20 would do"),
        ("--workers=2", "train together, without workers, got 2: leave --workers out"),
        ("--job-timeout=9", "as long as it takes, got 9.0: leave --job-timeout out"),
    ],
)
def test_what_processes_cannot_share_is_refused_in_one_line(
    tmp_path: Path, option: str, said: str
) -> None:
    refused = run(tmp_path / "out", option)
    assert refused.ended.statuses == [2, 0]
    (line,) = refused.ended.said[0].splitlines()
    assert said in line
    assert refused.ended.said[1] == "".join(refused.ended.printed) == ""
    assert not refused.out.exists()


def test_the_shares_of_all_processes_make_up_each_part_of_a_batch() -> None:
    order = torch.randperm(24)
    shares = [Group(rank, 3).shard(order, 2) for rank in range(3)]  # four parts of six
    for part in range(4):
        dealt = torch.cat([share[part] for share in shares])
        assert torch.equal(dealt, order[6 * part : 6 * part + 6])


@pytest.mark.parametrize("count", [0, 1, 2, 7, 9])
def test_every_image_is_scored_by_one_process(count: int) -> None:
    slices = [Group(rank, 3).slice_of_indices(count) for rank in range(3)]
    assert torch.equal(torch.cat(slices), torch.arange(count))


def test_every_part_of_a_batch_is_shared_out() -> None:
    recipe = Recipe(batch_size=24, accumulate=3)
    assert [Group(0, world).part_size(recipe) for world in (1, 2, 4, 8)] == [8, 4, 2, 1]
    refused = r"must divide by 16 processes × accumulate = 3, got 24: 48 would do"
    with pytest.raises(UserError, match=refused):
        Group(0, 16).part_size(recipe)
