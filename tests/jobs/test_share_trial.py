"""The trial of how many jobs a card takes: copies that say their steps by a clock of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.gpu_share import ShareMeasurement
from scaling_search.jobs.share_choice import ShareChoice
from scaling_search.jobs.share_trial import ShareTrial
from tests.jobs.pretended import pretend
from tests.jobs.small import RECIPE, gone, job, place

STEPS_PER_SECOND = 10
ONE = STEPS_PER_SECOND * RECIPE.batch_size  # images/s of a copy
Trial = Callable[[], ShareTrial]


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ShareTrial]:
    pretend(monkeypatch, tmp_path)

    def make(memory_share: float | None = None, entry: str = "0") -> ShareTrial:
        asked = (job(), place(tmp_path), GpuCard(entry), tmp_path / "logs")
        return ShareTrial(*asked, lambda _: memory_share, window_seconds=0.05)

    return make


def test_images_of_all_copies_are_added_up_until_no_more_are_allowed(
    trial: Callable[..., ShareTrial],
) -> None:
    first_trial = trial()
    measurements = first_trial.run(most=4)
    assert [measurement.jobs for measurement in measurements] == [1, 2, 4]
    assert [measurement.images_per_second for measurement in measurements] == pytest.approx(
        [ONE, 2 * ONE, 4 * ONE]
    )
    assert all(gone(copy.process.pid) for copy in first_trial._copies)


def test_memory_ends_it_before_a_copy_lacks_some(trial: Callable[..., ShareTrial]) -> None:
    (only,) = trial(memory_share=0.5).run(most=4)
    assert only.images_per_second == pytest.approx(ONE)
    assert only == ShareMeasurement(1, only.images_per_second, 0.5)


def test_a_copy_that_finds_no_room_ends_it_and_what_was_measured_counts(
    trial: Callable[..., ShareTrial], tmp_path: Path
) -> None:
    (tmp_path / "0").write_text("is too small")  # for all copies but the first
    assert [measurement.jobs for measurement in trial().run(most=4)] == [1]


def test_nothing_of_a_trial_is_kept_but_its_logs(
    trial: Callable[..., ShareTrial], tmp_path: Path
) -> None:
    trial().run(most=1)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def decide(choice: ShareChoice, tried: list[ShareMeasurement]) -> int:
    def once(_: int) -> list[ShareMeasurement]:
        return [tried.pop()]

    return choice.jobs(job(), [GpuCard("0")], once)


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.jobs.gpu_share.default_workers", {"cpu": 16}.get)


@pytest.mark.usefixtures("cores")
def test_what_a_trial_found_is_kept_for_cards_of_that_name(tmp_path: Path) -> None:
    lines: list[str] = []
    choice = ShareChoice(tmp_path, "a card", lines.append)
    tried = [ShareMeasurement(4, 300.0), ShareMeasurement(2, 200.0)]
    assert [decide(choice, tried), decide(choice, tried)] == [2, 2]
    assert lines == [
        "GPU 0: a trial of micro finds how many trainings a GPU takes at once, for up to 3 minutes "
        "(--jobs-per-gpu N leaves it out)",
        "2 at once on each GPU; the trial, by their number: 2: 200 images/s",
    ]
    other = ShareChoice(tmp_path, "another card", lines.append)
    assert decide(other, tried) == 4


def test_where_each_job_has_but_one_core_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaling_search.jobs.gpu_share.default_workers", {"cpu": 1}.get)
    assert decide(ShareChoice(tmp_path, "a card", lambda _: None), []) == 1
