"""A run's search as an Optuna study, read back from its database and held against the ledger."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean

import optuna
import pandas as pd
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from scaling_search.cli.main import main
from scaling_search.core.errors import UserError
from scaling_search.core.hashing import digest
from scaling_search.data.request import DataInfo
from scaling_search.experiment import optuna_export
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.optuna_export import ExportedStudy, export_optuna
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Diverged, Result
from tests.tiny import TINY
from tests.trainings import finished

PUBLISHED = Path(__file__).parents[2] / "results" / "fashion-mnist"
INFO = DataInfo("typefaces", tuple("abcdefghij"), 1, 24, 160, 40, 100, 1, "f" * 16)


def by_side(job: TrainJob) -> Result:
    """Finer networks are better, and a longer training adds to all alike."""
    top1 = job.architecture.resolution_px / 100 + job.epochs / 1000 + job.seed / 10_000
    rest = range(job.epochs - 1, 0, -1)
    return finished(*(top1 - 0.1 * left for left in rest), top1)


def directory(
    folder: Path,
    most: int = 1000,
    study: Study = TINY,
    train: Callable[[TrainJob], Result] = by_side,
) -> Path:
    """A run directory whose search came as far as `most` trainings, which took no time."""
    experiment = Experiment(study, INFO)
    folder.mkdir()
    (folder / "study.toml").write_text(to_toml(study))
    (folder / "data.json").write_text(json.dumps(asdict(INFO)))
    with Ledger(folder / "ledger.jsonl") as ledger:
        search = experiment.search(ledger.get)
        while len(ledger) < most and (missing := search.state().missing):
            for job in missing[: most - len(ledger)]:
                ledger.accept(job, train(job), {"device": "cpu"})
    return folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'study.db'}"


def read_back(storage_url: str, name: str = "tiny") -> optuna.Study:
    storage = RDBStorage(storage_url)
    return optuna.load_study(study_name=name, storage=storage)


def test_every_trial_agrees_with_the_ledger(tmp_path: Path) -> None:
    run = directory(tmp_path / "run")
    before = (run / "ledger.jsonl").read_bytes()
    exported = export_optuna(run, url(tmp_path))
    assert exported == ExportedStudy("tiny", url(tmp_path), {"pruned": 2, "complete": 2}, 0)
    lines = [json.loads(line) for line in before.splitlines()]
    results = {line["hash"]: line["record"]["result"] for line in lines}
    top1 = {key: each["history"][-1]["validation"]["top1"] for key, each in results.items()}
    told: list[str] = []
    for trial in read_back(url(tmp_path)).trials:
        jobs = trial.user_attrs["jobs"]
        told += jobs
        last = jobs[-2:] if trial.state == TrialState.COMPLETE else jobs
        assert trial.value == pytest.approx(fmean(top1[j] for j in last))
        reached = results[last[0]]["history"]
        assert list(trial.intermediate_values) == [record["epoch"] for record in reached]
    assert sorted(told) == sorted(results)
    assert (run / "ledger.jsonl").read_bytes() == before
    assert {path.name for path in run.iterdir()} <= {
        *("study.toml", "data.json", "ledger.jsonl", ".ledger.jsonl.lock")
    }


def test_a_search_for_two_objectives_is_a_study_of_both(tmp_path: Path) -> None:
    both = replace(TINY, search=replace(TINY.search, strategy="nsga2", second="activations"))
    export_optuna(directory(tmp_path / "run", study=both), url(tmp_path))
    study = read_back(url(tmp_path))
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["validation top-1", "activations"]
    for trial in study.best_trials:  # Optuna's own front
        assert trial.values[1] == trial.user_attrs["activations"]
    assert study.best_trials


def test_the_published_run_gives_its_published_accuracies(tmp_path: Path) -> None:
    export_optuna(PUBLISHED, url(tmp_path))
    table = pd.read_csv(PUBLISHED / "tables" / "candidates.csv").set_index("network")
    study = read_back(url(tmp_path), "fashion-mnist")
    assert len(study.trials) == len(table)
    for trial in study.trials:
        row = table.loc[trial.user_attrs["network"]]
        assert 100 * (trial.value or 0) == pytest.approx(row["validation_top1_percent"])
        for name in ("macs", "px", "rung", "epochs"):
            assert trial.user_attrs[name] == row[name], name
        assert list(trial.params.values()) == pytest.approx(list(row[["alpha", "beta", "gamma"]]))


def test_the_verdict_is_the_one_that_the_search_concludes(tmp_path: Path) -> None:
    run = directory(tmp_path / "run")
    export_optuna(run, url(tmp_path))
    experiment, ledger = Experiment(TINY, INFO), Ledger.snapshot(run / "ledger.jsonl")
    concluded = experiment.constants(experiment.search(ledger.get))
    trials = [trial.user_attrs for trial in read_back(url(tmp_path)).trials]
    assert [said["network"] for said in trials if said["best"]] == [concluded.ties[0]]
    tried = {said["network"] for said in trials}
    assert {said["network"] for said in trials if said["tie"]} == tried & set(concluded.ties)


def test_the_study_says_what_was_searched_and_what_was_found(tmp_path: Path) -> None:
    export_optuna(directory(tmp_path / "run"), url(tmp_path))
    said = read_back(url(tmp_path)).user_attrs
    assert (said["base"], said["base_px"]) == ("micro", 16)
    assert said["budget"] == asdict(TINY.budget)
    assert said["recipe_hash"] == digest(TINY.recipe)
    assert said["data"]["images"] == INFO.fingerprint
    assert "root" not in said["data"]
    assert said["missing_trainings"] == 0
    assert set(said["constants"]["coefficients"]) == {"alpha", "beta", "gamma"}


def test_optuna_finds_every_trial_within_its_constraints(tmp_path: Path) -> None:
    export_optuna(directory(tmp_path / "run"), url(tmp_path))
    for trial in read_back(url(tmp_path)).trials:
        assert set(trial.constraints) == {"growth in macs"}
        assert trial.constraints["growth in macs"] <= 0


def test_an_unfinished_search_is_exported_while_its_run_writes_it(tmp_path: Path) -> None:
    run = directory(tmp_path / "run", most=3)
    with Ledger(run / "ledger.jsonl"), (run / "ledger.jsonl").open("ab") as file:
        file.write(b'{"hash": "torn')
        exported = export_optuna(run, url(tmp_path))
    assert (exported.states, exported.missing) == ({"running": 4}, 1)
    trials = read_back(url(tmp_path)).trials
    assert [trial.value for trial in trials] == [None] * 4
    assert [len(trial.intermediate_values) for trial in trials] == [1, 1, 1, 0]
    assert (run / "ledger.jsonl").read_bytes().endswith(b"torn")


def test_a_search_whose_trainings_all_failed_is_exported_without_an_answer(tmp_path: Path) -> None:
    run = directory(tmp_path / "run", train=lambda _: Diverged("nan"))
    assert export_optuna(run, url(tmp_path)).states == {"fail": 4}
    assert "constants" not in read_back(url(tmp_path)).user_attrs


def test_a_study_is_never_overwritten(tmp_path: Path) -> None:
    run = directory(tmp_path / "run", most=3)
    export_optuna(run, url(tmp_path))
    with pytest.raises(UserError, match=r"never overwritten, got 'tiny'.* another --name"):
        export_optuna(run, url(tmp_path))
    assert len(read_back(url(tmp_path)).trials) == 4
    export_optuna(run, url(tmp_path), "later")
    assert len(read_back(url(tmp_path), "later").trials) == 4


def test_an_export_that_breaks_off_leaves_no_half_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = directory(tmp_path / "run", most=3)

    def cut(study: optuna.Study, *_: object) -> None:
        study.set_user_attr("half", True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(optuna_export, "_fill", cut)
        with pytest.raises(KeyboardInterrupt):
            export_optuna(run, url(tmp_path))
    assert export_optuna(run, url(tmp_path)).name == "tiny"


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("study.db", "got study.db (Could not parse SQLAlchemy URL"),
        ("sqlite:///no/such/folder/study.db", "unable to open database file"),
        ("nodb:///study.db", "Can't load plugin"),
        ("sqlite:///words.txt", "file is not a database"),
        ("redis://localhost", "got redis://localhost"),
        ("postgresql://me:secret@localhost/x", "got postgresql://me:***@localhost/x ("),
    ],
)
def test_a_wrong_storage_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str, said: str
) -> None:
    run = directory(tmp_path / "run", most=1)
    (tmp_path / "words.txt").write_text("no database, but long enough to look like one " * 9)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        export_optuna(run, storage)
    text = str(refused.value)
    assert said in text
    assert text.endswith("): try sqlite:///study.db")
    assert len(text.splitlines()) == 1


def test_a_run_without_a_search_has_nothing_to_export(tmp_path: Path) -> None:
    finest = max(Experiment(TINY, INFO).pool, key=lambda each: each.architecture.resolution_px)
    given = replace(TINY.compare, constants=finest.coefficients)
    run = directory(tmp_path / "run", study=replace(TINY, compare=given), most=0)
    with pytest.raises(UserError, match="an export needs a search"):
        export_optuna(run, url(tmp_path))
    assert not (tmp_path / "study.db").exists()


def test_the_verb_says_what_it_wrote_and_that_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = directory(tmp_path / "run", most=3)
    words = ["export-optuna", str(run), url(tmp_path), "--name", "mine", "--json"]
    monkeypatch.setattr(sys, "argv", ["scaling-search", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed, complaint = capsys.readouterr()
    assert ended.value.code == 0
    (row,) = json.loads(printed)
    assert (row["study"], row["running"], row["missing_trainings"]) == ("mine", 4, 1)
    assert "the search lacks 1 trainings" in complaint
    assert len(read_back(url(tmp_path), "mine").trials) == 4
