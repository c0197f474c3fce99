"""A report's files: its page, its README, its tables and its figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scaling_search.core.atomic_files import write_atomically
from scaling_search.report.cells import write_tables
from scaling_search.report.figure_style import write_picture
from scaling_search.report.page import (
    page_html,
    pictures_of,
    readme_text,
    tables_of,
    template_values,
)
from scaling_search.report.page_source import marked_page, unedited_files
from scaling_search.report.report_data import ReportData


@dataclass(frozen=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    readme: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_report(evidence: ReportData, out: Path, *, source: str = "") -> ReportPaths:
    """Write out/report.html, out/README.md, out/tables/* and out/figures/*, each file atomically.

    Written again from the same evidence, every file is byte-identical. The page, which is written
    last, says that all was drawn from `source`: `existing_report` knows it by that.
    """
    tables, pictures = tables_of(evidence), pictures_of(evidence)
    values = template_values(evidence, tables)
    paths = [
        write_atomically(out / "README.md", readme_text(values, pictures)),
        *write_tables(tuple(tables.values()), out / "tables"),
        *(path for picture in pictures for path in write_picture(picture, out / "figures")),
    ]
    files = [path.relative_to(out).as_posix() for path in paths]
    page = marked_page(page_html(values, pictures), source, files, out)
    write_atomically(out / "report.html", page)
    return _paths(out, files)


def existing_report(out: Path, source: str) -> ReportPaths | None:
    """The report that was drawn from this source; None where it lacks a file or has been edited."""
    files = unedited_files(out / "report.html", source)
    return None if files is None else _paths(out, files)


def _paths(out: Path, files: Iterable[str]) -> ReportPaths:
    tables = tuple(out / name for name in files if name.startswith("tables/"))
    figures = tuple(out / name for name in files if name.startswith("figures/"))
    return ReportPaths(out / "report.html", out / "README.md", tables, figures)
