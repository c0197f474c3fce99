"""What --device, --workers, --gpus and --jobs-per-gpu come to, on eight cards that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.jobs import local
from scaling_search.jobs.card_workers import CardWorkers
from scaling_search.jobs.executor import InlineExecutor, jobs_in_order
from scaling_search.jobs.gpu_share import ShareMeasurement
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.run_choices import RunChoices
from scaling_search.jobs.workers import Workers
from tests.jobs.pretended import EIGHT, pretend
from tests.jobs.small import ended, job
from tests.tiny import TINY


class Trial:
    """A trial that finds three jobs a card; `of` is which cards were tried."""

    of: list[str]

    def __init__(self, job: Any, *, card: Any, **_: Any) -> None:
        self.card = card

    def run(self, most: int) -> tuple[ShareMeasurement, ...]:
        self.of.append(self.card.entry)
        return (ShareMeasurement(3, 300.0),)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Eight cards; the cards that are tried."""
    pretend(monkeypatch, tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", EIGHT)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    names = {"device": "a made-up card"}
    monkeypatch.setattr(local, "environment", lambda _, n: names | {"workers": str(n)})
    monkeypatch.setattr("scaling_search.jobs.gpu_share.default_workers", {"cpu": 64}.get)
    Trial.of = []
    monkeypatch.setattr(local, "ShareTrial", Trial)
    return Trial.of


def pool(
    out: Path, jobs: int, device: str = "cuda", workers: int | None = None, **options: Any
) -> tuple[Workers, str, dict[str, str]]:
    """The workers once so many jobs have run, the device for timings, the environment."""
    with LocalBackend(**options).open(device, workers, out, None) as opened:
        assert isinstance(opened.executor, CardWorkers)
        results = ended(list(opened.executor.run(jobs_in_order(job(seed=n) for n in range(jobs)))))
        assert len(results) == jobs
        assert opened.executor._pool is not None
        return opened.executor._pool, opened.device, opened.environment


@pytest.mark.parametrize(
    ("asked", "workers", "cards"),
    [
        ({}, 24, EIGHT),  # three on each, by the trial
        ({"gpus": "2"}, 6, "0,1"),
        ({"gpus": "0,2,5", "jobs_per_gpu": 2}, 6, "0,2,5"),
        ({"workers": 5}, 5, EIGHT),
        ({"device": "cuda:5", "jobs_per_gpu": 2}, 2, "5"),
        ({"at_most": 4}, 4, EIGHT),
        ({"at_most": 10}, 10, EIGHT),
    ],
)
def test_workers_are_spread_over_the_cards(
    trials: list[str], tmp_path: Path, asked: dict[str, Any], workers: int, cards: str
) -> None:
    workers_made, _, environment = pool(tmp_path, 1, **asked)
    assert workers_made.workers == workers
    assert ",".join(card.entry for card in workers_made.cards) == environment["gpus"] == cards
    assert workers_made.place.device == "cuda:0"  # of a process that sees one card


def test_timing_is_on_the_first_card_that_was_asked_for(trials: list[str], tmp_path: Path) -> None:
    assert pool(tmp_path, 1, gpus="2,5", jobs_per_gpu=1)[1] == "cuda:2"
    assert pool(tmp_path, 1, jobs_per_gpu=1)[1] == "cuda"


def test_a_run_that_goes_on_does_not_try_again(trials: list[str], tmp_path: Path) -> None:
    assert [pool(tmp_path, 1)[0].workers for _ in range(2)] == [24, 24]
    assert trials == ["0"]
    assert RunChoices.read(tmp_path).jobs_per_gpu is not None


def test_a_run_without_a_job_tries_and_starts_nothing(trials: list[str], tmp_path: Path) -> None:
    with LocalBackend().open("cuda", None, tmp_path, None) as opened:
        assert list(opened.executor.run(jobs_in_order([]))) == []
        opened.executor.rest()
    assert trials == []
    assert RunChoices.read(tmp_path) == RunChoices()


def test_without_workers_this_process_trains_on_one_card(trials: list[str], tmp_path: Path) -> None:
    with LocalBackend().open("cuda:3", 0, tmp_path, None) as opened:
        assert isinstance(opened.executor, InlineExecutor)
        assert opened.executor.place.device == opened.device == "cuda:3"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"device": "cpu", "gpus": "2"}, "for workers on GPUs, got 'the CPU of this machine'"),
        ({"workers": 0, "gpus": "2"}, "name one by --device cuda:N"),
        ({"workers": 4, "jobs_per_gpu": 2}, "on all GPUs together, got '--jobs-per-gpu 2'"),
        ({"device": "cuda:1", "gpus": "2"}, "one GPU, got '--gpus 2': leave one of them out"),
        ({"gpus": "9"}, "1 to 8"),
        ({"jobs_per_gpu": 0}, "auto, or 1 or more, got 0"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(
    trials: list[str], tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        pool(tmp_path, 0, **asked)


def test_gpus_are_not_given_to_a_run_on_ray(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="for workers on this machine, got 'them with Ray"):
        run(TINY, tmp_path, ray="local", gpus=2)
