"""The table of trainings: what it keeps, and a search replayed on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scaling_search.errors import UserError
from scaling_search.jobs.job import Diverged, Finished, Result, TrainJob
from scaling_search.search import tabular
from scaling_search.search.halving import Plan, Rung, Search
from scaling_search.training.loop import EpochRecord
from tests.search.test_halving import POOL, World, make

FULL = Plan("grid", rungs=(Rung(1, 2, keep=1.0), Rung(3, 2, keep=1.0)))


def learning(job: TrainJob) -> Result:
    """A curve an epoch long for each epoch; finer networks are better, the finest diverges."""
    side = job.architecture.resolution_px
    if side == max(candidate.architecture.resolution_px for candidate in POOL):
        return Diverged("nan")
    history = tuple(
        EpochRecord(epoch, 3 / epoch, round(side / 100 + epoch / 1000 + job.seed / 2000, 6), epoch)
        for epoch in range(1, job.epochs + 1)
    )
    return Finished(history, history[-1].validation_top1, None, history[-1].train_seconds)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(learning)
    world.search(FULL)
    return world


@pytest.fixture(scope="module")
def frame(world: World) -> pd.DataFrame:
    return tabular.curves(FULL, POOL, make, world.find)


def test_it_has_one_row_an_epoch_and_one_row_a_failure(frame: pd.DataFrame) -> None:
    failed = frame[frame["status"] == "diverged"]
    finest = max(candidate.architecture.resolution_px for candidate in POOL)
    assert set(failed["px"]) == {finest}
    assert set(failed["epoch"]) == {0}
    well = frame[frame["px"] != finest].groupby(["network", "seed", "epochs"])["epoch"].agg(list)
    assert len(well) == sum(c.architecture.resolution_px < finest for c in POOL) * 2 * 2
    for (_, _, epochs), counted in well.items():
        assert counted == list(range(1, epochs + 1))


def test_written_and_read_it_is_the_same_table(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tabular.write(frame, tmp_path / "curves.csv")
    pd.testing.assert_frame_equal(tabular.read(path), frame, check_dtype=False)
    before = path.read_bytes()
    assert tabular.write(tabular.read(path), path).read_bytes() == before


def test_names_made_of_digits_stay_text(frame: pd.DataFrame, tmp_path: Path) -> None:
    digits = frame.assign(fingerprint="0012345678901234", depth_repeats="3", job="12e4567890123456")
    read = tabular.read(tabular.write(digits, tmp_path / "curves.csv"))
    assert set(read["fingerprint"]) == {"0012345678901234"}
    assert set(read["job"]) == {"12e4567890123456"}
    assert set(read["depth_repeats"]) == {"3"}


def test_its_results_are_the_ledgers(world: World, frame: pd.DataFrame) -> None:
    find = tabular.find(frame)
    for job in world.trained:
        known, found = world.find(job), find(job)
        if isinstance(known, Finished):
            assert found is not None
            assert found == replace(
                known,
                history=tuple(replace(r, train_loss=round(r.train_loss, 4)) for r in known.history),
            )
        else:
            assert isinstance(found, Diverged)
    assert find(make(POOL[0], 7, 0)) is None


def test_every_strategy_replayed_on_the_table_goes_as_on_the_ledger(
    world: World, frame: pd.DataFrame
) -> None:
    for plan in (
        replace(FULL, rungs=(Rung(1, 1, keep=0.3), Rung(3, 2))),
        Plan("random", trials=6, rungs=(Rung(3, 1),)),
        Plan("tpe", trials=8, rungs=(Rung(1, 2), Rung(3, 2))),
    ):
        step = Search(plan, POOL, tabular.remembered(make)).step(tabular.find(frame))
        assert step.done
        assert step == Search(plan, POOL, make).step(world.find)


def test_a_remembered_job_is_made_once() -> None:
    made: list[tuple[str, int, int]] = []

    def counted(candidate: object, epochs: int, seed: int) -> TrainJob:
        made.append((str(candidate), epochs, seed))
        return make(POOL[0], epochs, seed)

    again = tabular.remembered(counted)
    assert again(POOL[0], 2, 1) is again(POOL[0], 2, 1)
    assert again(POOL[0], 2, 0).seed == 0
    assert len(made) == 2


def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be readable"):
        tabular.read(tmp_path / "curves.csv")
    (tmp_path / "curves.csv").write_text("network,px\na,3\n")
    with pytest.raises(UserError, match="without fingerprint, alpha"):
        tabular.read(tmp_path / "curves.csv")
