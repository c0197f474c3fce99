"""The files of a report: all there, written again alike, and left alone where they are right."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from scaling_search.report.report_data import ReportData
from scaling_search.report.report_files import ReportPaths, write_report
from tests.report.frames import gate_frame


def test_every_file_is_there_and_nothing_half_written(report: ReportPaths) -> None:
    folder = report.html.parent
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert files == {report.html, report.readme, *report.tables, *report.figures}
    assert len(report.figures) == 10
    assert len(report.tables) == 6


def test_the_readme_links_to_files_that_exist(report: ReportPaths) -> None:
    links = re.findall(r"\]\(([^)]+)\)", report.readme.read_text(encoding="utf-8"))
    assert len(links) == 4
    assert all((report.readme.parent / link).is_file() for link in links)


def test_written_again_every_file_is_byte_identical(
    evidence: ReportData, report: ReportPaths, tmp_path: Path
) -> None:
    again = write_report(evidence, tmp_path)
    for old, new in zip(report.figures + report.tables, again.figures + again.tables, strict=True):
        assert old.read_bytes() == new.read_bytes()
    assert report.html.read_bytes() == again.html.read_bytes()
    assert report.readme.read_bytes() == again.readme.read_bytes()


def test_kept_a_report_is_left_alone_until_a_file_lacks_or_a_number_moves(
    evidence: ReportData, tmp_path: Path
) -> None:
    evidence = dataclasses.replace(evidence, gate_runs=gate_frame())
    first = write_report(evidence, tmp_path, keep=True)
    times = {path: path.stat().st_mtime_ns for path in (first.html, first.readme, *first.figures)}
    assert write_report(evidence, tmp_path, keep=True) == first
    assert {path: path.stat().st_mtime_ns for path in times} == times
    first.figures[0].unlink()
    write_report(evidence, tmp_path, keep=True)
    assert first.figures[0].is_file()
    gate = gate_frame()
    gate.loc[gate.index[0], "validation_top1"] += 1e-9
    page = first.html.read_bytes()
    write_report(dataclasses.replace(evidence, gate_runs=gate), tmp_path, keep=True)
    assert first.html.read_bytes() != page
