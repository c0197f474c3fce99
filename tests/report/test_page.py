"""The page and the README: the answer first, everything inside, nothing typed in."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from scaling_search.report import report_files
from scaling_search.report.figure_style import Section, picture
from scaling_search.report.page import tables_of
from scaling_search.report.report_data import ReportData
from scaling_search.report.report_files import ReportPaths, write_report
from tests.report.frames import CONSTANTS, gate_frame, runs_frame


@pytest.fixture(scope="module")
def page(report: ReportPaths) -> str:
    return report.html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme(report: ReportPaths) -> str:
    return report.readme.read_text(encoding="utf-8")


def test_the_page_loads_nothing_and_has_all_its_pictures_without_its_script(page: str) -> None:
    assert not re.search(r"https?://|//[a-z]|<script[^>]* src|<link|@import|url\(", page)
    sources = re.findall(r'<img src="([^"]{0,40})', page)
    assert len(sources) == 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)


def test_embedded_pictures_are_the_written_ones(page: str, report: ReportPaths) -> None:
    embedded = [base64.b64decode(text) for text in re.findall(r'base64,([^"]+)"', page)]
    written = [path.read_bytes() for path in report.figures if path.suffix == ".svg"]
    assert sorted(embedded) == sorted(written)


def test_a_picture_that_brings_a_section_is_shown_by_page_and_readme(
    evidence: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = Section("energy", "Energy & heat")
    energy = picture("energy_by_macs", "Joules.", (3, 2), lambda figure: None, section)
    monkeypatch.setattr(report_files, "pictures_of", lambda _: (energy,))
    report = write_report(evidence, tmp_path)
    page = report.html.read_text(encoding="utf-8")
    assert '<section id="energy" data-figure="energy">' in page
    assert "<h2>Energy &amp; heat</h2>" in page
    assert base64.b64encode(energy.svg).decode() in page
    readme = report.readme.read_text(encoding="utf-8")
    assert "## Energy & heat\n\n![Joules.](figures/energy_by_macs.png)" in readme


def test_the_page_holds_the_frames_as_data_and_stays_small(page: str, evidence: ReportData) -> None:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    data = json.loads(text)
    assert data["title"] == evidence.title
    assert sum(len(each["trainings"]) for each in data["networks"]) == len(evidence.runs)
    assert len(data["candidates"]) == len(evidence.search)
    assert len(page) < 4_000_000


def test_the_constants_and_the_last_verdict_come_first_and_alone(page: str) -> None:
    top = html.unescape(page[: page.index("<h2>")])
    assert "α = 1.05 [1.00, 1.25]" in top
    assert "resolution alone is best here" in top
    assert page[: page.index("<h2>")].count("<p>") == 2


def test_then_the_gains_then_how_sure_they_are_then_what_speaks_against_them(page: str) -> None:
    text = html.unescape(page)
    order = (
        "What compound scaling gains over its rivals",
        "P(best) = 0.47 for the winner, from 3 seeds in full",
        "can't tell 2 other candidates from it",
        "What speaks against it, and what it rests on",
        "it never saw the test split",
    )
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_text_is_escaped(page: str) -> None:
    assert "&lt;trial&gt;" in page
    assert "<trial>" not in page


def test_the_page_says_what_selection_saw_and_what_was_left_over(page: str) -> None:
    assert "it never saw the test split" in page
    assert "depth at φ = 1 really grew 2.16 × instead of 2.00 × (+8.0 %)" in page


def test_the_page_shows_environment_study_and_command(page: str) -> None:
    assert "2.14.1" in page
    assert "name = &#34;demo&#34;" in page
    assert "scaling-search run --preset demo" in page


def test_the_readme_agrees_with_the_frames_and_the_page(
    readme: str, page: str, evidence: ReportData
) -> None:
    tables = tables_of(evidence)
    assert tables["gains"].markdown in readme
    assert tables["comparison"].markdown in readme
    for cell in tables["comparison"].shown.to_numpy().ravel():
        text = html.escape(str(cell))
        assert f">{text}</td>" in re.sub(r"</?span>", "", page)


def test_failures_are_told(evidence: ReportData, tmp_path: Path) -> None:
    runs = evidence.runs.copy()
    runs.loc[0, ["status", "test_top1", "validation_top1"]] = ("out-of-memory", np.nan, np.nan)
    paths = write_report(dataclasses.replace(evidence, runs=runs), tmp_path)
    assert "1 of 27 trainings of the comparison did not finish: 1 out-of-memory." in (
        paths.readme.read_text(encoding="utf-8")
    )


def test_single_runs_are_labelled(evidence: ReportData, tmp_path: Path) -> None:
    constants = dataclasses.replace(CONSTANTS, seeds=1)
    alone = dataclasses.replace(evidence, runs=runs_frame(seeds=1), constants=constants)
    text = write_report(alone, tmp_path).readme.read_text(encoding="utf-8")
    assert "9 of 9 networks are single runs" in text
    assert "for the winner, from a single run in full" in text
    assert "its choice could be luck" in text


def test_no_evidence_is_no_answer_rather_than_an_error(
    evidence: ReportData, tmp_path: Path
) -> None:
    empty = dataclasses.replace(
        evidence,
        constants=None,
        runs=evidence.runs.iloc[:0],
        search=evidence.search.iloc[:0],
        curves=evidence.curves.iloc[:0],
    )
    paths = write_report(empty, tmp_path)
    assert "Nothing has finished yet" in paths.html.read_text(encoding="utf-8")
    assert paths.figures == ()


def test_the_gate_has_a_picture_and_an_unfinished_run_says_what_is_missing(
    evidence: ReportData, tmp_path: Path
) -> None:
    missing = ("2 of the gate's 8 trainings", "the comparison")
    now = dataclasses.replace(evidence, gate_runs=gate_frame(), missing=missing)
    report = write_report(now, tmp_path)
    said = "This run is not finished; still to come: 2 of the gate's 8 trainings, the comparison."
    assert said in report.readme.read_text(encoding="utf-8")
    assert said in html.unescape(report.html.read_text(encoding="utf-8"))
    assert tmp_path / "figures" / "gate.svg" in report.figures
    assert "figures/gate.png" in report.readme.read_text(encoding="utf-8")
