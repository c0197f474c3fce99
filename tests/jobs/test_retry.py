"""A failure of the environment is tried again once the environment is another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.jobs import retry
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Diverged, Failed, Lost, OutOfMemory, Result, TimedOut
from scaling_search.jobs.retry import Circumstances, circumstances, code_digest
from tests.jobs.small import FINISHED, job

NOW = Circumstances("a CPU", "0123", "1000", 10.0)
WHERE = {"device": "a CPU", **NOW.noted}
TIMED_OUT, LOST, NO_MEMORY = TimedOut(10.0), Lost(3, "killed"), OutOfMemory(32, "none left")
FAILED = Failed("KeyError: 'x'")
THREE = [job(seed=seed) for seed in range(3)]


@pytest.mark.parametrize("result", [FINISHED, Diverged("NaN"), TIMED_OUT, LOST, NO_MEMORY, FAILED])
def test_as_long_as_nothing_has_changed_nothing_is_tried_again(result: Result) -> None:
    assert NOW.reason_to_retry(result, WHERE) == ""


@pytest.mark.parametrize(
    ("result", "changed", "reason"),
    [
        (TIMED_OUT, {"limit_seconds": 10.5}, "the limit was 10 s"),
        (TIMED_OUT, {"limit_seconds": None}, "the limit was 10 s"),
        (TIMED_OUT, {"limit_seconds": 9.0}, ""),
        (TIMED_OUT, {"device": "a GPU"}, "the device was a CPU"),
        (TIMED_OUT, {"code": "4567"}, ""),
        (NO_MEMORY, {"memory": "1100"}, "there was less memory"),
        (NO_MEMORY, {"memory": "1010"}, ""),
        (NO_MEMORY, {"memory": "900"}, ""),
        (NO_MEMORY, {"device": "a GPU"}, "the device was a CPU"),
        (LOST, {"code": "4567"}, "the code was another"),
        (LOST, {"memory": "2000"}, "there was less memory"),
        (LOST, {"device": "a GPU"}, "the device was a CPU"),
        (LOST, {"limit_seconds": None}, ""),
        (FAILED, {"code": "4567"}, "the code was another"),
        (FAILED, {"device": "a GPU"}, "the device was a CPU"),
        (FAILED, {"memory": "2000"}, ""),
        (Diverged("NaN"), {"code": "4567", "device": "a GPU", "memory": "9000"}, ""),
        (FINISHED, {"code": "4567", "device": "a GPU", "memory": "9000"}, ""),
    ],
)
def test_what_caused_it_has_changed(result: Result, changed: dict[str, Any], reason: str) -> None:
    now = replace(NOW, **changed)
    assert now.reason_to_retry(result, WHERE) == reason


@pytest.mark.parametrize("result", [LOST, FAILED, NO_MEMORY])
def test_what_an_earlier_version_did_not_note_is_tried_once_more(result: Result) -> None:
    assert NOW.reason_to_retry(result, {"device": "a CPU"})


def test_memory_is_that_of_one_training_and_code_that_of_the_package() -> None:
    alone, beside_three = (circumstances("a CPU", "cpu", count, None) for count in (1, 4))
    assert int(alone.memory) // 4 == int(beside_three.memory) > 0
    assert alone.code == code_digest()
    assert len(alone.code) == 16


def test_a_gpus_memory_is_not_asked_by_the_driver_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", None)  # it would stay on the GPU
    monkeypatch.setattr(retry, "memory_of", lambda gpu: {"cuda:1": 80}[gpu])
    assert circumstances("a card", "cuda:1", 4, None).memory == "20"


def test_a_failure_set_aside_is_missing_and_gives_way_to_the_next_result(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        results: tuple[Result, ...] = (FINISHED, TIMED_OUT, Diverged("NaN"))
        for each, result in zip(THREE, results, strict=True):
            ledger.accept(each, result, WHERE)
        assert not ledger.accept(THREE[1], FINISHED, WHERE)
        seen = []

        def retried(result: Result, where: dict[str, str]) -> bool:
            seen.append((result.kind, where))
            return result == TIMED_OUT

        assert ledger.set_aside(retried) == [TIMED_OUT]
        assert sorted(kind for kind, _ in seen) == ["diverged", "timed-out"]
        assert all(where == WHERE for _, where in seen)
        assert [ledger.get(each) is None for each in THREE] == [False, True, False]
        assert len(ledger) == ledger.trainings == 2
    with Ledger(path) as ledger:  # nothing has come of it: the failure is what is known
        assert ledger.get(THREE[1]) == TIMED_OUT
        ledger.set_aside(lambda *_: True)
        assert ledger.accept(THREE[1], LOST, WHERE)
        assert ledger.get(THREE[1]) == LOST
    with Ledger(path) as ledger:
        assert ledger.get(THREE[1]) == LOST
        ledger.set_aside(lambda *_: True)
        assert ledger.accept(THREE[1], FINISHED, WHERE)
    with Ledger(path) as ledger:
        assert [ledger.get(each) for each in THREE[:2]] == [FINISHED, FINISHED]
        assert ledger.set_aside(lambda *_: True) == [Diverged("NaN")]
    assert len(path.read_bytes().splitlines()) == 5


def test_a_failure_after_a_result_does_not_count(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.jsonl", tmp_path / "other.jsonl"
    for where, result in ((path, FINISHED), (other, TIMED_OUT)):
        with Ledger(where) as ledger:
            ledger.accept(THREE[0], result, WHERE)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    with Ledger(path) as ledger:
        assert ledger.get(THREE[0]) == FINISHED
        assert ledger.set_aside(lambda *_: True) == []
