"""What Weights & Biases keeps where it is offline, read back by its own kind of record."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wandb", reason="wandb is not installed")

import wandb
from wandb.proto.wandb_internal_pb2 import Record

from scaling_search.core.errors import UserError
from scaling_search.trackers.weights_and_biases import WeightsAndBiases
from tests.jobs.small import until
from tests.trackers.events import DIVERGED, DONE, FIRST, RECORDS, SECOND

BLOCK, FULL, LAST = 32768, 1, 4


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsAndBiases:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    return WeightsAndBiases("a study", tmp_path)


def records(folder: Path, job: str) -> list[Any]:
    (path,) = folder.rglob(f"run-{job}.wandb")
    return [Record.FromString(each) for each in chunks(path.read_bytes())]


def chunks(log: bytes) -> Iterator[bytes]:
    """The records of a log in LevelDB's format, behind a header of seven bytes."""
    at, data = 7, b""
    while at + 7 <= len(log):
        if BLOCK - at % BLOCK < 7:  # too little of the block for another one's head
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", log, at + 4)
        data += log[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (FULL, LAST):
            yield data
            data = b""


def has_ended(folder: Path, job: str) -> bool:
    read = records(folder, job)
    return bool(read) and read[-1].WhichOneof("record_type") == "exit"


def points(read: list[Any], name: str) -> list[tuple[float, float]]:
    rows = [
        {
            item.key or "/".join(item.nested_key): json.loads(item.value_json)
            for item in r.history.item
        }
        for r in read
        if r.WhichOneof("record_type") == "history"
    ]
    return [(row["epoch"], row[name]) for row in rows]


def test_two_trainings_at_once_are_two_runs_with_a_point_an_epoch(
    tracker: WeightsAndBiases, tmp_path: Path
) -> None:
    assert tracker.where == f"project a study, offline, in {tmp_path}/wandb"
    for job in (FIRST, SECOND):
        tracker.begin(job, "search")
    for record in RECORDS:
        for job in (FIRST, SECOND):
            tracker.epoch(job, record)
    tracker.end(FIRST, DIVERGED)
    tracker.end(SECOND, DONE)
    for job in (FIRST, SECOND):  # a process of wandb's own writes them
        assert until(partial(has_ended, tmp_path, job.hash))
    for job in (FIRST, SECOND):
        read = records(tmp_path, job.hash)
        assert points(read, "validation/top1") == [(1, 0.25), (2, 0.5)]
    begun = [each.run for each in read if each.WhichOneof("record_type") == "run"]
    assert (begun[0].run_group, begun[0].job_type) == ("a study", "search")
    assert begun[0].display_name == "micro, 8 px, 2 epochs, seed 1"
    ended = {job: records(tmp_path, job.hash)[-1].exit.exit_code for job in (FIRST, SECOND)}
    assert ended == {FIRST: 1, SECOND: 0}


def test_a_login_that_is_lacking_is_said_and_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # no key in a file of the user's
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    wandb.teardown()
    with pytest.raises(UserError, match="needs a login, got None: run `wandb login`"):
        WeightsAndBiases("a study", tmp_path)
