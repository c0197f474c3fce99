"""Fault 1: the driver is killed, at the worst moments that there are."""

from __future__ import annotations

from pathlib import Path

from tests.faults import driving
from tests.faults.driving import Strike
from tests.faults.study import STEPS_PER_EPOCH, results, study_file
from tests.faults.watching import Trainings, search_in


def killed(tmp_path: Path, workers: int, strike: Strike) -> Path:
    """The run directory of a search that SIGKILL ended."""
    out = tmp_path / "out"
    words = ["search", str(study_file(tmp_path)), "--out", str(out), "--device", "cpu"]
    status = driving.ended([*words, "--workers", str(workers)], tmp_path / "said", strike)
    assert status == -9, (tmp_path / "said").read_text()
    return out


def goes_on(out: Path, uninterrupted: Path, before: set[str]) -> Trainings:
    """Run again: the same results, each once, and nothing that had a result begun again."""
    seen = search_in(out)
    assert results(out) == results(uninterrupted)
    assert (out / "ledger.jsonl").read_bytes().count(b"\n") == len(results(out))
    assert seen.steps.keys() == results(out).keys() - before
    return seen


def test_killed_after_a_job_was_submitted_it_comes_to_the_same_results(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = killed(tmp_path, 1, driving.kill_after_the_first_order)
    assert results(out) == {}
    goes_on(out, uninterrupted, set())


def test_killed_in_mid_epoch_it_comes_to_the_same_results(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = killed(tmp_path, 0, driving.kill_in_mid_epoch)
    before = set(results(out))
    assert len(before) == 1
    goes_on(out, uninterrupted, before)


def test_killed_in_mid_checkpoint_it_goes_on_from_the_whole_one_before(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = killed(tmp_path, 0, driving.kill_in_mid_checkpoint)
    (half,) = (out / "checkpoints").rglob(".*.part")
    (whole, *_) = (out / "checkpoints").rglob("0*.safetensors")
    assert half.stat().st_size < whole.stat().st_size
    before = set(results(out))
    seen = goes_on(out, uninterrupted, before)
    assert 0 < min(seen.steps.values()) < STEPS_PER_EPOCH


def test_killed_between_a_result_and_its_line_not_a_step_of_it_is_taken_again(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = killed(tmp_path, 1, driving.kill_before_the_second_line)
    before = set(results(out))
    assert len(before) == 1
    seen = goes_on(out, uninterrupted, before)
    assert min(seen.steps.values()) == 0


def test_killed_in_mid_line_the_torn_line_is_said_and_not_a_step_taken_again(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = killed(tmp_path, 0, driving.kill_in_mid_line)
    first, torn = (out / "ledger.jsonl").read_bytes().split(b"\n")
    assert first
    assert torn
    seen = goes_on(out, uninterrupted, {first[first.index(b'"hash": "') + 9 :][:16].decode()})
    assert any("torn last line" in text for text in seen.said)
    assert min(seen.steps.values()) == 0
