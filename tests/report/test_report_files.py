"""The files of a report: all there, written again alike, and left alone where they are right."""

from __future__ import annotations

import re
from pathlib import Path

from scaling_search.report.report_data import ReportData
from scaling_search.report.report_files import ReportPaths, existing_report, write_report


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


def test_a_report_exists_while_its_source_is_the_same_and_every_file_is_as_it_was_written(
    evidence: ReportData, tmp_path: Path
) -> None:
    assert existing_report(tmp_path, "today") is None
    report = write_report(evidence, tmp_path, source="today")
    assert existing_report(tmp_path, "today") == report
    assert existing_report(tmp_path, "tomorrow") is None
    for path in (report.readme, report.tables[0], report.figures[0]):
        path.write_text("edited", encoding="utf-8")
        assert existing_report(tmp_path, "today") is None
        write_report(evidence, tmp_path, source="today")
        assert existing_report(tmp_path, "today") == report
