"""How many trainings a machine has room for, by the options of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.experiment import capacity
from scaling_search.experiment.capacity import PlannedPlacement, planned_machine
from scaling_search.jobs import environment
from scaling_search.jobs.run_choices import RunChoices, TriedShare


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has two cards of 80 GB."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(environment, "usable", lambda: (True, ""))
    monkeypatch.setattr(capacity, "machine_of", lambda _: "a made-up card")
    monkeypatch.setattr(capacity, "memory_bytes", lambda _: 80_000_000_000)


def place(tmp_path: Path, **asked: object) -> tuple[int, int, str]:
    """Trainings at once, those in one memory, and the entry of the card that is measured."""
    found = planned_machine(PlannedPlacement(**asked), tmp_path, lambda _: None)  # type: ignore[arg-type]
    entry = "" if found.card is None else found.card.entry
    return found.capacity.at_once, found.capacity.sharing, entry


def test_on_a_cpu_all_workers_share_the_machines_memory(tmp_path: Path) -> None:
    assert place(tmp_path, device="cpu", workers=3) == (3, 3, "")
    assert place(tmp_path, device="cpu", workers=0) == (1, 1, "")


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (2, 1, "0")),
        ({"gpus": "1"}, (1, 1, "0")),
        ({"gpus": "8"}, (8, 1, "0")),  # so many like the first
        ({"gpus": "1,"}, (1, 1, "1")),
        ({"jobs_per_gpu": 3}, (6, 3, "0")),
        ({"workers": 5}, (5, 3, "0")),
        ({"workers": 0}, (1, 1, "0")),
        ({"device": "cuda:1"}, (1, 1, "1")),
        ({"device": "cuda:1", "jobs_per_gpu": 2}, (2, 2, "1")),
    ],
)
def test_cards_take_what_is_asked(
    tmp_path: Path, asked: dict[str, object], expected: tuple[int, int, str]
) -> None:
    assert place(tmp_path, **asked) == expected


@pytest.mark.usefixtures("two_cards")
def test_what_a_runs_trial_has_found_is_planned_with(tmp_path: Path) -> None:
    RunChoices(jobs_per_gpu=TriedShare("a made-up card", 4, ())).write(tmp_path)
    assert place(tmp_path) == (8, 4, "0")
    RunChoices(jobs_per_gpu=TriedShare("another", 4, ())).write(tmp_path)
    assert place(tmp_path) == (2, 1, "0")


@pytest.mark.usefixtures("two_cards")
def test_a_list_names_cards_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--gpus"):
        place(tmp_path, gpus="0,7")
    with pytest.raises(UserError, match="of one GPU"):
        place(tmp_path, device="cuda:1", gpus="2")


def test_what_is_for_gpus_is_refused_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="for GPUs, got 'the CPU of this machine': leave them out"):
        place(tmp_path, device="cpu", gpus="8")


def test_the_disk_is_that_of_the_folder_that_will_be_made(tmp_path: Path) -> None:
    found = planned_machine(PlannedPlacement("cpu"), tmp_path / "not" / "yet", lambda _: None)
    assert found.capacity.free_bytes > 0
