"""What drives a run: nothing of ours is beside a timing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scaling_search.arch import zoo
from scaling_search.experiment import runner as module
from scaling_search.experiment.runner import NullListener, Runner
from scaling_search.jobs.executor import Ended, Executor
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.retry import circumstances
from scaling_search.latency.job import Machine
from tests.experiment.test_timing_rounds import SETTING
from tests.jobs.small import FINISHED, job

NANO = zoo.get("nano")


@dataclass
class Resting:
    """An executor of which only its rest is looked at."""

    order: list[str] = field(default_factory=list)

    def run(self, source: Any) -> Any:
        raise AssertionError

    def rest(self) -> None:
        self.order.append("rest")


@dataclass
class Kept:
    """A ledger that holds this timing."""

    held: Any = None
    path: Path = Path("ledger.jsonl")

    def get(self, job: Any) -> Any:
        return self.held

    def accept(self, job: Any, timed: Any, where: Any) -> None:
        self.held = timed


def drive(executor: Executor, ledger: Kept) -> Runner:
    now = circumstances("cpu", "cpu", 1, None)
    # Of a ledger no more is asked here than Kept answers.
    return Runner(SETTING, ledger, executor, "cpu", {}, NullListener(), now)  # type: ignore[arg-type]


def test_workers_end_before_the_networks_are_timed_and_only_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executor, ledger = Resting(), Kept()

    def time_networks(job: Any, *_: Any) -> Any:
        executor.order.append("timed")
        return SimpleNamespace(job=job)

    monkeypatch.setattr(module, "time_networks", time_networks)
    asked = drive(executor, ledger)
    asked.time([])
    assert executor.order == []
    asked.time([NANO])
    assert executor.order == ["rest", "timed"]
    asked.time([NANO])  # the ledger has it
    assert executor.order == ["rest", "timed"]


def test_it_is_said_which_gpu_times_alone() -> None:
    assert Machine("cuda:2", "a card").alone == " on cuda:2 alone (a card)"
    assert Machine("cpu", "a CPU").alone == ""


def test_a_record_names_the_card_beside_what_the_environment_says(tmp_path: Path) -> None:
    where = {"gpu": "5 (GPU-8f1c)"}
    asked = job()
    executor = SimpleNamespace(run=lambda source: iter([Ended(asked, FINISHED, where)]))
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        environment = {"device": "a card", "workers": "8"}
        runner = replace(drive(Resting(), Kept()), environment=environment)
        runner = replace(runner, ledger=ledger, executor=executor)
        runner.finish("training", [asked])
        assert ledger.where(asked) == {"device": "a card", **where}


def test_the_rounds_of_a_latency_budget_let_the_same_workers_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Any] = []
    until = SimpleNamespace(until=lambda experiment, ask: experiment)

    def rounds(*_: object, rest: object) -> SimpleNamespace:
        given.append(rest)
        return until

    monkeypatch.setattr(module, "TimingRounds", rounds)
    executor = Resting()
    drive(executor, Kept()).knowing(lambda experiment: experiment.pool)
    assert given == [executor.rest]
