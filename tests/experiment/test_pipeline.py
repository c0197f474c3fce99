"""A study the whole way, in real processes: run, killed, run again, redrawn."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.experiment.comparison import Timing
from scaling_search.experiment.outcome import Outcome, read_experiment, redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.ledger import Ledger
from tests.faults import driving
from tests.jobs.small import ENDLESS, until
from tests.no_pictures import no_pictures
from tests.tiny import TINY


def ledger(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]


def results(out: Path) -> dict[object, object]:
    """What each job came to, without the seconds that it took."""
    found: dict[object, object] = {}
    for line in ledger(out):
        record = line["record"]
        assert isinstance(record, dict)
        result = record["result"]
        last = {**result["history"][-1], "train_seconds": None}
        found[line["hash"]] = (last, result["test"])
    return found


def run_words(study: Study, folder: Path) -> tuple[list[str], Path]:
    """The words of the program that run this study, and the run directory."""
    file, out = folder / "tiny.toml", folder / "out"
    file.write_text(to_toml(study))
    return ["run", str(file), "--out", str(out)], out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return out, run(TINY, out, device="cpu", workers=2)


def test_a_run_answers_with_constants_tables_and_a_report(whole: tuple[Path, Outcome]) -> None:
    out, outcome = whole
    assert outcome.constants is not None
    assert len(outcome.runs) == 10
    assert len(outcome.search) == 4
    assert set(outcome.gains["rival"]) == {"depth", "width", "resolution"}
    assert outcome.report.html == out / "report.html"
    for name in ("study.toml", "data.json", "environment.json", "README.md", "tables", "figures"):
        assert (out / name).exists()


def test_run_again_it_trains_nothing_and_says_the_same(whole: tuple[Path, Outcome]) -> None:
    out, outcome = whole
    before = (out / "ledger.jsonl").read_bytes()
    drawn = [outcome.report.html, *outcome.report.figures, *outcome.report.tables]
    written = [path.stat().st_mtime_ns for path in drawn]
    again = run(TINY, out, device="cpu", workers=2)
    assert (out / "ledger.jsonl").read_bytes() == before
    assert [path.stat().st_mtime_ns for path in drawn] == written
    assert set(again.report.figures) == set(outcome.report.figures)
    assert again.constants == outcome.constants
    pd.testing.assert_frame_equal(again.runs, outcome.runs)


def test_run_again_it_mends_a_report_that_was_edited_or_that_lacks_a_file(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out = shutil.copytree(whole[0], tmp_path / whole[0].name)
    table, figure = out / "tables" / "comparison.md", out / "figures" / "accuracy_macs.svg"
    before = [table.read_bytes(), figure.read_bytes()]
    table.write_text("mine", encoding="utf-8")
    figure.unlink()
    run(TINY, out, device="cpu", workers=2)
    assert [table.read_bytes(), figure.read_bytes()] == before


def test_redrawn_from_the_ledger_every_file_is_the_same(whole: tuple[Path, Outcome]) -> None:
    out, outcome = whole
    files = [outcome.report.html, outcome.report.readme, *outcome.report.tables]
    files += outcome.report.figures
    before = {path: path.read_bytes() for path in files}
    assert redraw(out).report == outcome.report
    assert {path: path.read_bytes() for path in files} == before


def test_only_the_comparison_read_the_test_split(whole: tuple[Path, Outcome]) -> None:
    out, _ = whole
    for line in ledger(out):
        record = line["record"]
        assert isinstance(record, dict)
        assert (record["result"]["test"] is not None) == record["job"]["reads_test"]


def test_in_this_process_or_in_workers_the_results_are_the_same(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, _ = whole
    with no_pictures():
        run(TINY, tmp_path, device="cpu", workers=0)
    assert results(tmp_path) == results(out)


@pytest.mark.slow
def test_killed_again_and_again_it_comes_to_the_same_results(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    words, out = run_words(TINY, tmp_path)
    words += ["--device", "cpu", "--workers", "2"]
    for lines in (1, 4, 9):
        strike = partial(driving.kill_after_line, lines)
        assert driving.ended(words, tmp_path / "said", strike) == -signal.SIGKILL
        assert len(ledger(out)) == lines
    assert driving.ended(words, tmp_path / "said", driving.nothing) == 0
    assert results(out) == results(whole[0])
    assert len(ledger(out)) == len(results(out))


def test_a_changed_study_trains_what_changed_and_keeps_the_rest(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, outcome = whole
    (tmp_path / "ledger.jsonl").write_bytes((out / "ledger.jsonl").read_bytes())
    before = (out / "ledger.jsonl").read_bytes()
    more = replace(TINY, compare=replace(TINY.compare, seeds=3))
    with no_pictures():
        run(more, tmp_path, device="cpu", workers=0)
    after = (tmp_path / "ledger.jsonl").read_bytes()
    assert after.startswith(before)
    networks = outcome.runs["fingerprint"].nunique()  # two methods may come to the same
    assert after.count(b"\n") == before.count(b"\n") + networks  # one more seed of each


def test_with_constants_given_there_is_no_search(tmp_path: Path) -> None:
    given = replace(TINY.compare, constants=Coefficients(1.2, 1.1, 1.15), rivals=("width",))
    with no_pictures():
        outcome = run(replace(TINY, compare=given), tmp_path, device="cpu", workers=0)
    assert outcome.constants is None
    assert outcome.search.empty
    assert list(outcome.runs["method"].unique()) == ["base", "compound", "width"]


def test_each_network_is_compared_at_the_rate_of_least_validation_loss(tmp_path: Path) -> None:
    given = replace(
        TINY.compare,
        constants=Coefficients(1.2, 1.1, 1.15),
        rivals=("width",),
        check_rates=(0.1, 1),
    )
    study = replace(TINY, compare=given)
    outcome = run(study, tmp_path, device="cpu", workers=0)
    tried = pd.read_csv(tmp_path / "tables" / "rates.csv")
    assert list(tried["rate"]) == [0.1, 1.0] * 3
    best = tried.loc[tried.groupby(["method", "phi"], sort=False)["validation_loss"].idxmin()]
    assert list(best["rate"]) == list(outcome.runs.drop_duplicates(["method", "phi"])["rate"])
    assert best["chosen"].all()
    assert tried["chosen"].sum() == 3
    chosen = {*zip(outcome.runs["fingerprint"], outcome.runs["rate"], strict=True)}
    with Ledger(tmp_path / "ledger.jsonl") as kept:
        experiment = read_experiment(tmp_path)
        for member in experiment.members(Coefficients(1.2, 1.1, 1.15)):
            for rate in given.check_rates:
                job = experiment.compare_job(member.architecture, 1000, member.phi, rate)
                read = kept.get(job) is not None
                wanted = rate == 1 or (member.architecture.fingerprint, rate) in chosen
                assert read == wanted
    assert "at each network's best rate, of 0.1 and 1 × the recipe's" in (
        outcome.report.readme.read_text(encoding="utf-8")
    )
    before = (tmp_path / "ledger.jsonl").read_bytes()
    page = outcome.report.html.read_bytes()
    assert run(study, tmp_path, device="cpu", workers=0).report.html.read_bytes() == page
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    assert redraw(tmp_path).report.html.read_bytes() == page


def test_a_search_alone_stops_at_the_constants_and_run_goes_on_from_there(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    _, outcome = whole
    with no_pictures():
        alone = run(TINY, tmp_path, device="cpu", workers=0, search_only=True)
        assert alone.constants == outcome.constants
        assert alone.runs.empty
        assert run(TINY, tmp_path, device="cpu", workers=0).constants == outcome.constants


def test_the_first_run_is_unharmed_by_a_second_in_its_directory(tmp_path: Path) -> None:
    long = replace(TINY, compare=replace(TINY.compare, epochs=ENDLESS))
    words, out = run_words(long, tmp_path)
    first = driving.started([*words, "--workers", "1"], tmp_path / "first", driving.tell_epochs)
    try:
        assert until(lambda: (out / "ledger.jsonl").exists() or not first.is_alive())
        assert driving.ended(words, tmp_path / "second", driving.nothing) == 2
        (line,) = (tmp_path / "second").read_text().strip().splitlines()
        assert "one run writes a directory at a time" in line
        # It goes on, through the search to its endless comparison.
        goes_on = f" of {ENDLESS}\n"
        assert until(lambda: goes_on in (tmp_path / "first").read_text() or not first.is_alive())
        assert first.is_alive(), (tmp_path / "first").read_text()
        os.kill(first.pid or 0, signal.SIGINT)
        first.join()
        assert first.exitcode == 130
    finally:
        first.kill()


def test_ctrl_c_ends_in_one_line_with_130_and_what_ran_goes_on_later(tmp_path: Path) -> None:
    words, out = run_words(TINY, tmp_path)
    strike = driving.interrupt_after_the_first_result
    assert driving.ended(words, tmp_path / "said", strike) == 130
    said = (tmp_path / "said").read_text()
    assert said.strip().splitlines()[-1] == "stopped; the same command goes on from here"
    assert "Traceback" not in said
    assert ledger(out)


def test_a_directory_without_a_run_can_not_be_redrawn(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"study\.toml"):
        redraw(tmp_path)


def test_the_report_of_an_unfinished_search_says_what_is_missing(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, _ = whole
    for name in ("study.toml", "data.json", "environment.json"):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    first, *_ = (out / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_bytes(first)
    outcome = redraw(tmp_path)
    assert outcome.constants is None
    missing = "the rest of the search (1 candidates tried so far), the comparison."
    assert (
        f"This run is not finished; still to come: {missing}" in outcome.report.readme.read_text()
    )
    assert "still to come" in outcome.report.html.read_text()


def test_the_report_of_an_unfinished_comparison_shows_what_there_is(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, finished = whole
    for name in ("study.toml", "data.json", "environment.json"):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    lines = (out / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines[:-3]))
    outcome = redraw(tmp_path)
    assert outcome.constants == finished.constants
    assert 0 < len(outcome.runs) < len(finished.runs)
    asked = finished.runs[["fingerprint", "seed"]].drop_duplicates()
    left = f"still to come: 3 of the comparison's {len(asked)} trainings."
    assert left in outcome.report.readme.read_text()


RUN_FILES = ("study.toml", "data.json", "environment.json", "ledger.jsonl")


def test_a_run_directory_that_windows_editor_saved_reads_as_before(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, _ = whole
    run_here, saved = tmp_path / "here" / "run", tmp_path / "saved" / "run"
    for folder, mark, end in ((run_here, b"", b"\n"), (saved, b"\xef\xbb\xbf", b"\r\n")):
        folder.mkdir(parents=True)
        for name in RUN_FILES:
            content = (out / name).read_bytes().replace(b"\n", end)
            (folder / name).write_bytes(mark + content)
    with no_pictures():
        page, of_saved = (redraw(each).report.html.read_text() for each in (run_here, saved))
    assert of_saved == page


@pytest.mark.parametrize("text", ["", "[1]", "[" * 100_000, "\0"])
def test_an_environment_that_is_none_is_one_line(
    whole: tuple[Path, Outcome], tmp_path: Path, text: str
) -> None:
    for name in RUN_FILES:
        (tmp_path / name).write_bytes((whole[0] / name).read_bytes())
    (tmp_path / "environment.json").write_text(text)
    with pytest.raises(UserError, match=r"must be one JSON object, got other text in .*take the"):
        redraw(tmp_path)


def test_the_report_of_a_finished_run_misses_nothing(whole: tuple[Path, Outcome]) -> None:
    _, outcome = whole
    assert "still to come" not in outcome.report.html.read_text()
    assert "still to come" not in outcome.report.readme.read_text()


def test_a_run_directory_names_no_path_of_this_machine(whole: tuple[Path, Outcome]) -> None:
    out, _ = whole
    for name in ("ledger.jsonl", "study.toml", "data.json", "environment.json", "README.md"):
        text = (out / name).read_text()
        assert str(Path.home()) not in text
        assert str(out.parent) not in text


def test_every_network_is_timed_once_on_a_machine_and_the_report_has_its_row(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    out, _ = whole
    (tmp_path / "ledger.jsonl").write_bytes((out / "ledger.jsonl").read_bytes())
    timed = replace(TINY, timing=Timing(seconds=1.0, processes=1))
    outcome = run(timed, tmp_path, device="cpu", workers=0)
    trained = {*outcome.runs["fingerprint"]}
    rows = pd.read_csv(tmp_path / "tables" / "latency.csv")
    assert trained <= set(rows["fingerprint"])
    assert len(rows) >= max(len(trained), len(outcome.search))
    assert (rows["median_ms"] > 0).all()
    assert (rows["low_ms"] <= rows["median_ms"]).all()
    assert (rows["peak_bytes"] > 0).all()
    assert (tmp_path / "figures" / "accuracy_latency.png").exists()
    assert "Time on this machine" in outcome.report.html.read_text()
    before = (tmp_path / "ledger.jsonl").read_bytes()
    page = outcome.report.html.read_bytes()
    assert run(timed, tmp_path, device="cpu", workers=0).report.html.read_bytes() == page
    assert redraw(tmp_path).report.html.read_bytes() == page
    assert (tmp_path / "ledger.jsonl").read_bytes() == before


def test_a_negative_number_of_workers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="workers must be 0 or more, got -1"):
        run(TINY, tmp_path, workers=-1)


def test_an_unknown_device_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="device must be auto, cpu"):
        run(TINY, tmp_path / "new", device="tpu")
    assert not (tmp_path / "new").exists()
