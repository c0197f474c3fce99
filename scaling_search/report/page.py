"""One self-contained page and one README that answer the study's question from its evidence."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from scaling_search.compare.networks import finished
from scaling_search.compare.rates import RateCheck
from scaling_search.core.atomic_files import write_atomically
from scaling_search.cost.latency_model import (
    LEAST_POINTS,
    GrowthWay,
    LatencyModel,
    TimedNetwork,
    explain,
)
from scaling_search.latency.result import Timed
from scaling_search.report.answer import (
    answer,
    further_sentences,
    gate_notes,
    gate_sentences,
    missing_sentence,
    notes,
)
from scaling_search.report.cells import LEFT_ALIGNED, Table, write_tables
from scaling_search.report.class_table import classes_sentence, classes_table
from scaling_search.report.drawn_from import mark, pictures_of_page, source_of
from scaling_search.report.figure_style import Picture
from scaling_search.report.figures import COSTS, accuracy_picture, curves_picture, gate_picture
from scaling_search.report.latency import (
    accuracy_latency_frame,
    latency_frame,
    latency_table,
    points_of,
)
from scaling_search.report.latency_figures import accuracy_latency_picture, explains_picture
from scaling_search.report.page_data import Details, Frames, page_json
from scaling_search.report.pareto import pareto, pareto_picture, pareto_table
from scaling_search.report.search_landscape import landscape, landscape_picture
from scaling_search.report.tables import (
    candidates_table,
    comparison_table,
    environment_table,
    gains_table,
    rates_table,
)
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Resource

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Time:
    """The networks' timing on one machine, and how each of them grew, in the job's order."""

    timed: Timed
    axes: tuple[GrowthWay, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a network."""
        return latency_frame(self.timed)

    @cached_property
    def points(self) -> list[TimedNetwork]:
        """The networks as points of a fit."""
        return points_of(self.timed, self.axes)

    @cached_property
    def explanation(self) -> LatencyModel | None:
        """What explains time on this machine; None with too few networks to fit anything."""
        if len(self.points) < LEAST_POINTS:
            return None
        job = self.timed.job
        return explain(self.points, job.place.machine, job.regime.words)


@dataclass(frozen=True)
class ReportData:
    """All that a report says, as values: nothing in it is looked up elsewhere.

    `question` is one sentence; `constants` is None where no search was run; `runs`, `search` and
    `curves` are the frames of comparison, candidates and epochs (any may be empty); `study_toml`
    and `command` let a reader run the study again; `environment` holds versions and machine;
    `time` is None where nothing was timed; `cautions` are sentences on how far the constants are to
    be trusted; `gate` is what speaks against the proxy itself (None: the gate was not run);
    `gate_runs` has a row for each of its finished trainings (None: as without any); `second` is the
    resource that the search weighed beside accuracy, a column of `search`; `rates` is None where
    networks were compared at the recipe's learning rate alone; `missing` says what an unfinished
    run has yet to do, `limit_hours` that it has left that out for so many hours; `classes` has a
    row a class of each training (None: nothing was counted); `mixture` counts the trainings on
    each kind of device, empty where all may be of one.
    """

    title: str
    question: str
    constants: Constants | None
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    study_toml: str
    environment: Mapping[str, object]
    command: str
    time: Time | None = None
    cautions: tuple[str, ...] = ()
    second: Resource | None = None
    gate: tuple[GateFinding, ...] | None = None
    gate_runs: pd.DataFrame | None = None
    rates: RateCheck | None = None
    mixture: str = ""
    missing: tuple[str, ...] = ()
    limit_hours: float | None = None
    details: Details = field(default_factory=Details)
    classes: pd.DataFrame | None = None


@dataclass(frozen=True)
class Paths:
    """Where a report was written."""

    html: Path
    readme: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_report(evidence: ReportData, out: Path, *, keep: bool = False) -> Paths:
    """Write out/report.html, out/README.md, out/tables/* and out/figures/*, each file atomically.

    Written again from the same evidence, every file is byte-identical; `keep` leaves them as they
    are where all are there and the page, which is written last, was drawn of this evidence.
    """
    tables = tables_of(evidence)
    source = source_of(_texts(evidence, tables))
    if keep and (paths := _kept(out, source, tables)):
        return paths
    drawn = pictures_of(evidence)
    paths = _paths(out, tables, [picture.name for picture in drawn])
    for picture in drawn:
        for ending, data in (("png", picture.png), ("svg", picture.svg)):
            write_atomically(out / "figures" / f"{picture.name}.{ending}", data)
    write_tables(tuple(tables.values()), out / "tables")
    write_atomically(paths.readme, _render("README.md.jinja", _words(evidence, tables, drawn)))
    page = page_html(evidence, tables, drawn) + mark(source, [each.name for each in drawn])
    write_atomically(paths.html, page)
    return paths


def _texts(evidence: ReportData, tables: Mapping[str, Table]) -> Iterator[str]:
    """All that a report says and draws: its page without pictures, and numbers in full."""
    yield page_html(evidence, tables, ())
    for table in tables.values():
        yield table.csv
    if evidence.gate_runs is not None:
        yield evidence.gate_runs.to_csv()


def _kept(out: Path, source: str, tables: Mapping[str, Table]) -> Paths | None:
    """The report that is there already; None where it isn't whole, or was drawn of other things."""
    names = pictures_of_page(out / "report.html", source)
    if names is None:
        return None
    paths = _paths(out, tables, names)
    files = (paths.readme, *paths.tables, *paths.figures)
    return paths if all(path.is_file() for path in files) else None


def _paths(out: Path, tables: Iterable[str], pictures: Iterable[str]) -> Paths:
    return Paths(
        html=out / "report.html",
        readme=out / "README.md",
        tables=tuple(out / "tables" / f"{name}.{end}" for name in tables for end in ("csv", "md")),
        figures=tuple(
            out / "figures" / f"{name}.{end}" for name in pictures for end in ("png", "svg")
        ),
    )


def page_html(evidence: ReportData, tables: Mapping[str, Table], drawn: tuple[Picture, ...]) -> str:
    """The page: one HTML text that loads nothing, with these tables and still pictures."""
    return _render("report.html", _words(evidence, tables, drawn))


def tables_of(evidence: ReportData) -> dict[str, Table]:
    """Return the report's tables by name."""
    classes = evidence.classes
    tables = (
        gains_table(evidence.runs),
        comparison_table(evidence.runs),
        *([classes_table(classes)] if classes is not None and len(classes) else []),
        candidates_table(evidence.search),
        *([rates_table(evidence.rates.tried)] if evidence.rates else []),
        *([latency_table(evidence.time.frame)] if evidence.time else []),
        *(pareto_table(evidence.search, *weighed) for weighed in _weighed(evidence)),
    )
    return {table.name: table for table in tables}


def pictures_of(evidence: ReportData) -> tuple[Picture, ...]:
    """Draw the pictures for which there are data."""
    drawn: list[Picture] = []
    if evidence.gate_runs is not None and len(evidence.gate_runs):
        drawn.append(gate_picture(evidence.gate_runs))
    if len(finished(evidence.runs)):
        drawn += [accuracy_picture(evidence.runs, cost) for cost in COSTS]
    if len(evidence.search) and len(landscape(evidence.search)):
        drawn.append(landscape_picture(evidence.search))
    drawn += [pareto_picture(evidence.search, *weighed) for weighed in _weighed(evidence)]
    if len(evidence.curves):
        drawn.append(curves_picture(evidence.curves))
    return (*drawn, *_time_pictures(evidence.runs, evidence.time))


def _weighed(evidence: ReportData) -> list[tuple[Resource, str]]:
    """The second objective and its words, if there is one and a candidate to show."""
    second = evidence.second
    if second is None or not len(pareto(evidence.search, second)):
        return []
    return [(second, RESOURCES[second].label)]


def _time_pictures(runs: pd.DataFrame, time: Time | None) -> Iterator[Picture]:
    if time is None:
        return
    if len(accuracy_latency_frame(runs, time.frame)):
        yield accuracy_latency_picture(runs, time.frame)
    if time.explanation is not None:
        yield explains_picture(time.points, time.explanation)


def _words(
    evidence: ReportData, tables: Mapping[str, Table], drawn: tuple[Picture, ...]
) -> dict[str, object]:
    """Return all that the templates name."""
    frames = (evidence.constants, evidence.runs, evidence.search)
    time = evidence.time
    return {
        "evidence": evidence,
        "explanation": time.explanation if time else None,
        "regime": time.timed.job.regime.words if time else "",
        "machine": time.timed.job.place.machine if time else "",
        "answer": [*gate_sentences(evidence.gate), *answer(evidence.constants, evidence.runs)],
        "details": further_sentences(*frames),
        "missing": missing_sentence(evidence.missing, evidence.limit_hours),
        "notes": [
            *gate_notes(evidence.constants, evidence.gate),
            *(evidence.rates.sentences if evidence.rates else ()),
            *evidence.cautions,
            *notes(*frames),
        ],
        "tables": tables,
        "classes": "" if evidence.classes is None else classes_sentence(evidence.classes),
        "environment": environment_table(evidence.environment),
        "pictures": {picture.name: picture for picture in drawn},
        "left_aligned": LEFT_ALIGNED,
        "pareto": [f"pareto_{second}" for second, _ in _weighed(evidence)],
        "data_uri": _data_uri,
        "inlined": _inlined,
        "as_cell": _cell,
        "data": Markup(page_json(frames_of(evidence))),
    }


def frames_of(evidence: ReportData) -> Frames:
    """What of the evidence the page's script, and a figure for a paper, draw from."""
    time, peaks, latency = evidence.time, dict[str, int](), None
    if time is not None:
        measured = time.frame[time.frame["peak_source"] == "measured"]
        peaks = dict(zip(measured["fingerprint"], measured["peak_bytes"].astype(int), strict=True))
        latency = accuracy_latency_frame(evidence.runs, time.frame)
    frames = (evidence.runs, evidence.search, evidence.curves, latency)
    return Frames(
        evidence.title,
        *frames,
        peaks=peaks,
        details=evidence.details,
        gate=evidence.gate_runs,
        second=evidence.second if _weighed(evidence) else None,
    )


def _inlined(name: str) -> Markup:
    """A template as it is: the page's style and script are our own."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _cell(text: object) -> Markup:
    """A table's cell; an interval is not broken into two lines, but may stand on its own."""
    return Markup(re.sub(r"(\[[^\]]*\])", r"<span>\1</span>", str(escape(text))))


def _data_uri(picture: Picture) -> str:
    """Return the picture as a data URI: SVG, sharp at any size."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode("ascii")


def _render(template: str, words: Mapping[str, object]) -> str:
    """Fill in a template; HTML is escaped, Markdown is not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(words)
