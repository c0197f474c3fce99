"""What is written for TensorBoard, read back by its own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from scaling_search.trackers.tensorboard import TensorBoard, folder_name
from tests.full_disk import no_file_grows_beyond
from tests.trackers.events import DONE, FIRST, RECORDS, SECOND


def written(folder: Path) -> Any:
    reader = EventAccumulator(str(folder))
    reader.Reload()
    return reader


def points(reader: Any, name: str) -> list[tuple[int, float]]:
    return [(each.step, each.value) for each in reader.Scalars(name)]


def trained(folder: Path) -> TensorBoard:
    board = TensorBoard(folder)
    board.begin(SECOND, "comparison")
    for record in RECORDS:
        board.epoch(SECOND, record)
    board.end(SECOND, DONE)
    return board


def test_each_epoch_is_a_point_of_each_curve(tmp_path: Path) -> None:
    trained(tmp_path)
    reader = written(tmp_path / folder_name(SECOND))
    assert points(reader, "train/loss") == [(1, 2.5), (2, 1.5)]
    assert points(reader, "validation/top1") == [(1, 0.25), (2, 0.5)]
    assert points(reader, "final/test_top1") == [(2, 0.75)]


def test_the_facts_of_a_training_are_a_row_of_the_hparams_tab(tmp_path: Path) -> None:
    trained(tmp_path)
    told = written(tmp_path / folder_name(SECOND)).summary_metadata
    content = told[metadata.SESSION_START_INFO_TAG].plugin_data.content
    row = metadata.parse_session_start_info_plugin_data(content).hparams
    assert row["network"].string_value == "micro"
    assert row["recipe/batch_size"].number_value == 30
    assert row["outcome"].string_value == "finished"


def test_the_command_that_shows_it_is_said(tmp_path: Path) -> None:
    where = TensorBoard(tmp_path / "two words").where
    assert where == f"tensorboard --logdir '{tmp_path}/two words'"


def test_a_point_is_on_the_disk_as_soon_as_it_is_told(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.begin(FIRST, "search")
    board.epoch(FIRST, RECORDS[0])
    reader = written(tmp_path / folder_name(FIRST))
    assert points(reader, "train/loss") == [(1, 2.5)]
    board.close()


def test_a_training_taken_up_again_goes_on_in_its_own_folder(tmp_path: Path) -> None:
    for record in RECORDS:
        board = TensorBoard(tmp_path)
        board.begin(FIRST, "search")
        board.epoch(FIRST, record)
        board.close()
    reader = written(tmp_path / folder_name(FIRST))
    assert points(reader, "train/loss") == [(1, 2.5), (2, 1.5)]


def test_trainings_of_other_lengths_or_seeds_have_other_folders() -> None:
    assert folder_name(FIRST) == f"micro-8px-2ep-seed0-{FIRST.hash[:8]}"
    assert folder_name(SECOND) != folder_name(FIRST)


def test_a_full_disk_is_an_error_and_what_was_told_before_is_read(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.begin(FIRST, "search")
    board.epoch(FIRST, RECORDS[0])
    (file,) = tmp_path.rglob("events.out.*")
    with no_file_grows_beyond(file.stat().st_size + 10), pytest.raises(OSError, match="too large"):
        board.epoch(FIRST, RECORDS[1])
    assert points(written(file.parent), "train/loss") == [(1, 2.5)]
