"""A report's files: its page, its README, its tables and its figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scaling_search.core.atomic_files import write_atomically
from scaling_search.report.cells import Table, write_tables
from scaling_search.report.page import (
    page_html,
    pictures_of,
    readme_text,
    tables_of,
    template_values,
)
from scaling_search.report.page_source import pictures_of_page, source_digest, source_mark
from scaling_search.report.report_data import ReportData


@dataclass(frozen=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    readme: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_report(evidence: ReportData, out: Path, *, keep: bool = False) -> ReportPaths:
    """Write out/report.html, out/README.md, out/tables/* and out/figures/*, each file atomically.

    Written again from the same evidence, every file is byte-identical; `keep` leaves them as they
    are where all are there and the page, which is written last, was drawn of this evidence.
    """
    tables = tables_of(evidence)
    values = template_values(evidence, tables)
    source = source_digest(_texts(evidence, values, tables))
    if keep and (paths := _existing_paths(out, source, tables)):
        return paths
    pictures = pictures_of(evidence)
    paths = _paths(out, tables, [picture.name for picture in pictures])
    for picture in pictures:
        for ending, data in (("png", picture.png), ("svg", picture.svg)):
            write_atomically(out / "figures" / f"{picture.name}.{ending}", data)
    write_tables(tuple(tables.values()), out / "tables")
    write_atomically(paths.readme, readme_text(values, pictures))
    mark = source_mark(source, [picture.name for picture in pictures])
    write_atomically(paths.html, page_html(values, pictures) + mark)
    return paths


def _texts(
    evidence: ReportData, values: Mapping[str, object], tables: Mapping[str, Table]
) -> Iterator[str]:
    """All that a report says and draws: its page without pictures, and numbers in full."""
    yield page_html(values, ())
    for table in tables.values():
        yield table.csv
    if evidence.gate_runs is not None:
        yield evidence.gate_runs.to_csv()


def _existing_paths(out: Path, source: str, tables: Mapping[str, Table]) -> ReportPaths | None:
    """The report that is there already; None where it isn't whole, or was drawn of other things."""
    names = pictures_of_page(out / "report.html", source)
    if names is None:
        return None
    paths = _paths(out, tables, names)
    files = (paths.readme, *paths.tables, *paths.figures)
    return paths if all(path.is_file() for path in files) else None


def _paths(out: Path, tables: Iterable[str], pictures: Iterable[str]) -> ReportPaths:
    return ReportPaths(
        html=out / "report.html",
        readme=out / "README.md",
        tables=tuple(out / "tables" / f"{name}.{end}" for name in tables for end in ("csv", "md")),
        figures=tuple(
            out / "figures" / f"{name}.{end}" for name in pictures for end in ("png", "svg")
        ),
    )
