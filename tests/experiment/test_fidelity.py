"""Fidelity of runs and tables as they lie in folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.fidelity import fidelity, read_trainings
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.search import curve_table
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.space import Axis, Space
from tests.tiny import TINY
from tests.trainings import finished

INFO = DataInfo("typefaces", tuple("abcdefgh"), 1, 24, 160, 40, 100, 10**6, "f" * 16)
SPACE = Space(Axis(1, 3, 0.25), Axis(1, 2, 0.1), Axis(1, 2, 0.1))
FULL = replace(
    TINY,
    space=SPACE,
    search=SearchPlan("grid", rungs=(Rung(1, 2, keep=1.0), Rung(3, 2, keep=1.0))),
)


def by_side(job: TrainJob) -> float:
    """Finer is better in long trainings, and worse in short ones."""
    side = job.architecture.resolution_px / 100
    depth = sum(stage.repeats for stage in job.architecture.stages) / 1000
    return (side if job.epochs > 1 else 1 - side) + depth + job.seed / 10_000


def run_directory(
    out: Path,
    study: Study = FULL,
    info: DataInfo = INFO,
    top1: Callable[[TrainJob], float] = by_side,
) -> Path:
    """A finished run in which everything trained as `top1` says."""
    out.mkdir(parents=True)
    (out / "study.toml").write_text(to_toml(study))
    (out / "data.json").write_text(json.dumps(asdict(info)))
    experiment = Experiment(study, info)
    with Ledger(out / "ledger.jsonl") as ledger:
        search = experiment.search(ledger.get)
        while not (step := search.state()).done:
            for job in step.missing:
                score = round(top1(job), 4)
                ledger.accept(job, finished(*[score] * job.epochs), {})
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_directory(tmp_path_factory.mktemp("runs") / "tiny")


def test_within_a_run_lengths_and_seeds_are_compared(run: Path) -> None:
    length, seed = fidelity([run])
    assert (length.kind, length.left, length.right) == ("length", "1 epoch", "3 epochs")
    assert length.agreement.n == length.candidates == len(Experiment(FULL, INFO).pool)
    assert length.agreement.tau < 0
    assert length.agreement.winner != length.agreement.best
    # Here a seed moves all candidates alike, so one tells the order of the other.
    assert (seed.kind, seed.agreement.tau) == ("seed", 1.0)


def test_longer_trainings_can_be_left_out(run: Path) -> None:
    (seed,) = fidelity([run], epochs=2)
    assert (seed.kind, seed.left) == ("seed", "one seed, 1 epoch")


def test_a_table_says_the_same_as_the_run_it_was_made_of(run: Path, tmp_path: Path) -> None:
    for name in ("study.toml", "data.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    curve_table.write_table(read_trainings(run).curves, tmp_path / "curves.csv")
    assert fidelity([tmp_path]) == fidelity([run])


def test_a_run_is_read_while_it_goes_on(run: Path) -> None:
    with Ledger(run / "ledger.jsonl"):
        assert len(fidelity([run])) == 2


def test_two_growths_are_compared_on_networks_that_share_the_growth_alike(
    run: Path, tmp_path: Path
) -> None:
    larger = replace(FULL, name="larger", budget=replace(FULL.budget, growth=3.0))
    *_, between = fidelity([run, run_directory(tmp_path / "larger", larger)])
    assert between.kind == "growth"
    assert (between.left, between.right) == ("tiny", "larger (3 epochs)")
    assert 3 <= between.agreement.n <= between.candidates
    assert 0 <= between.distance <= 0.1


def test_two_data_sets_with_one_order_agree_in_full(run: Path, tmp_path: Path) -> None:
    other = replace(INFO, fingerprint="e" * 16)
    *_, between = fidelity([run, run_directory(tmp_path / "other", FULL, other)])
    assert (between.kind, between.distance) == ("data set", 0.0)
    assert between.agreement.tau == 1.0


def test_a_halved_search_is_compared_on_the_candidates_that_went_on(tmp_path: Path) -> None:
    halved = replace(FULL, search=SearchPlan("grid", rungs=(Rung(1, 1, keep=0.5), Rung(3, 2))))
    length, _ = fidelity([run_directory(tmp_path / "halved", halved)])
    assert length.agreement.n == -(-length.candidates // 2)


def test_what_can_not_be_compared_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    single = replace(FULL, search=SearchPlan("grid", rungs=(Rung(1, 1),)))
    with pytest.raises(UserError, match=r"fidelity needs 3 candidates .* give the search another"):
        fidelity([run_directory(tmp_path / "single", single)])
    (tmp_path / "single" / "ledger.jsonl").unlink()
    with pytest.raises(UserError, match=r"holds ledger\.jsonl or curves\.csv"):
        fidelity([tmp_path / "single"])
    with pytest.raises(UserError, match=r"study\.toml"):
        fidelity([tmp_path / "nowhere"])
