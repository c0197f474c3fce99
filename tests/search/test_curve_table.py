"""The table of trainings: what it keeps, and a search replayed on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Finished, Result
from scaling_search.search import curve_table
from scaling_search.search.candidates import Candidate
from scaling_search.search.halving import HalvingSearch
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.training.history import EpochRecord, Scores
from tests.search.test_halving import POOL, World, make
from tests.trainings import finished_of, record

FULL = SearchPlan("grid", rungs=(Rung(1, 2, keep=1.0), Rung(3, 2, keep=1.0)))


def learning(job: TrainJob) -> Result:
    """A curve an epoch long for each epoch; finer networks are better, the finest diverges."""
    side = job.architecture.resolution_px
    if side == max(candidate.architecture.resolution_px for candidate in POOL):
        return Diverged("nan")
    history = tuple(
        record(
            epoch,
            round(side / 100 + epoch / 1000 + job.seed / 2000, 6),
            train_loss=3 / epoch,
            seconds=epoch,
        )
        for epoch in range(1, job.epochs + 1)
    )
    return finished_of(history)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(learning)
    world.search(FULL)
    return world


@pytest.fixture(scope="module")
def frame(world: World) -> pd.DataFrame:
    return curve_table.curves(world.of(FULL))


def test_it_has_one_row_an_epoch_and_one_row_a_failure(frame: pd.DataFrame) -> None:
    failed = frame[frame["status"] == "diverged"]
    finest = max(candidate.architecture.resolution_px for candidate in POOL)
    assert set(failed["px"]) == {finest}
    assert set(failed["epoch"]) == {0}
    well = frame[frame["px"] != finest].groupby(["network", "seed", "epochs"])["epoch"].agg(list)
    assert len(well) == sum(c.architecture.resolution_px < finest for c in POOL) * 2 * 2
    for epochs, counted in zip(well.index.get_level_values("epochs"), well, strict=True):
        assert counted == list(range(1, epochs + 1))


def test_written_and_read_it_is_the_same_table(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = curve_table.write_table(frame, tmp_path / "curves.csv")
    pd.testing.assert_frame_equal(curve_table.read_curves(path), frame, check_dtype=False)
    before = path.read_bytes()
    assert curve_table.write_table(curve_table.read_curves(path), path).read_bytes() == before


def test_names_made_of_digits_stay_text(frame: pd.DataFrame, tmp_path: Path) -> None:
    digits = frame.assign(fingerprint="0012345678901234", depth_repeats="3", job="12e4567890123456")
    read = curve_table.read_curves(curve_table.write_table(digits, tmp_path / "curves.csv"))
    assert set(read["fingerprint"]) == {"0012345678901234"}
    assert set(read["job"]) == {"12e4567890123456"}
    assert set(read["depth_repeats"]) == {"3"}


def rounded(record: EpochRecord) -> EpochRecord:
    """The epoch to the digits that a table keeps."""
    scores = record.validation
    kept = Scores(round(scores.loss, 5), round(scores.top1, 6), round(scores.top5, 6))
    return replace(record, train_loss=round(record.train_loss, 4), validation=kept)


def test_scores_of_averaged_weights_stand_beside_those_of_the_weights_themselves() -> None:
    raw, averaged = Scores(1.5, 0.25, 0.5), Scores(1.25, 0.5, 0.75)
    job, result = (
        make(POOL[0].architecture, 1, 0),
        Finished((EpochRecord(1, 2.0, raw, 3.0, averaged),)),
    )
    plan = SearchPlan(rungs=(Rung(1),))
    search = HalvingSearch(plan, POOL, make, lambda asked: result if asked == job else None)
    frame = curve_table.curves(search, [0])
    row = frame.iloc[0]
    assert (row["validation_loss"], row["validation_top1"], row["raw_top1"]) == (1.25, 0.5, 0.25)
    assert curve_table.find(frame)(job) == result


def test_its_results_are_the_ledgers(world: World, frame: pd.DataFrame) -> None:
    find = curve_table.find(frame)
    for job in world.trained:
        known, found = world.find(job), find(job)
        if isinstance(known, Finished):
            assert found == replace(known, history=tuple(map(rounded, known.history)))
        else:
            assert isinstance(found, Diverged)
    assert find(make(POOL[0].architecture, 7, 0)) is None


def test_every_strategy_replayed_on_the_table_goes_as_on_the_ledger(
    world: World, frame: pd.DataFrame
) -> None:
    for plan in (
        replace(FULL, rungs=(Rung(1, 1, keep=0.3), Rung(3, 2))),
        SearchPlan("random", trials=6, rungs=(Rung(3, 1),)),
        SearchPlan("tpe", trials=8, rungs=(Rung(1, 2), Rung(3, 2))),
    ):
        find = curve_table.find(frame)
        state = HalvingSearch(plan, POOL, curve_table.remembered(make), find).state()
        assert state.done
        assert state == world.of(plan).state()


def test_a_remembered_job_is_made_once() -> None:
    made: list[tuple[str, int, int]] = []

    def counted(network: Network, epochs: int, seed: int, phi: float = 1.0) -> TrainJob:
        made.append((network.name, epochs, seed))
        return make(network, epochs, seed)

    again, network = curve_table.remembered(counted), POOL[0].architecture
    assert again(network, 2, 1, 1.0) is again(network, 2, 1, 1.0)
    assert again(network, 2, 0, 1.0).seed == 0
    assert len(made) == 2


def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be readable"):
        curve_table.read_curves(tmp_path / "curves.csv")
    (tmp_path / "curves.csv").write_text("network,px\na,3\n")
    with pytest.raises(UserError, match="without fingerprint, alpha"):
        curve_table.read_curves(tmp_path / "curves.csv")


def test_of_trainings_at_two_phi_a_table_holds_those_of_the_answer() -> None:
    """A network and seed stand once for each length."""
    plan = SearchPlan("grid", rungs=(Rung(2, keep=1.0), Rung(2, phi=2.0)))
    results: dict[str, Result] = {}

    def grown(candidate: Candidate, phi: float) -> Network:
        side = candidate.architecture.resolution_px
        assert isinstance(candidate.architecture, Architecture)
        return candidate.architecture.fitted(resolution_px=round(side * phi))

    def find(job: TrainJob) -> Result | None:
        return results.setdefault(job.hash, learning(job))

    search = HalvingSearch(plan, POOL, make, find, None, grown)
    frame = curve_table.curves(search)
    assert not frame.duplicated(["network", "seed", "epochs", "epoch"]).any()
    assert set(frame["job"]) == {job.hash for i in range(len(POOL)) for job in search.jobs(1, i)}
