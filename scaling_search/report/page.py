"""One self-contained page and one README that answer the study's question from its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd
from markupsafe import Markup

from scaling_search.compare.networks import finished
from scaling_search.report.answer import answer, further_sentences, gate_sentences, missing_sentence
from scaling_search.report.candidates_table import candidates_table
from scaling_search.report.cells import Table
from scaling_search.report.class_table import classes_sentence, classes_table
from scaling_search.report.columns import LEFT_ALIGNED
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.figure_style import Picture
from scaling_search.report.figures import COSTS, accuracy_picture, curves_picture, gate_picture
from scaling_search.report.latency import accuracy_latency_frame, latency_table
from scaling_search.report.latency_figures import accuracy_latency_picture, latency_model_picture
from scaling_search.report.notes import gate_notes, notes
from scaling_search.report.page_data import page_json
from scaling_search.report.pareto import pareto_picture, pareto_table
from scaling_search.report.report_data import ReportData, TimingData, frames_of, second_objective
from scaling_search.report.search_landscape import landscape, landscape_picture
from scaling_search.report.tables import environment_table, gains_table, rates_table
from scaling_search.report.templating import cell_markup, data_uri, inlined, render


def page_html(values: Mapping[str, object], pictures: Iterable[Picture]) -> str:
    """The page: one HTML text that loads nothing, with these template values and still pictures."""
    return render("report.html", {**values, "pictures": _by_name(pictures)})


def readme_text(values: Mapping[str, object], pictures: Iterable[Picture]) -> str:
    """The same in Markdown, with the figures' files beside it."""
    return render("README.md.jinja", {**values, "pictures": _by_name(pictures)})


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
        *(pareto_table(evidence.search, *objective) for objective in second_objective(evidence)),
    )
    return {table.name: table for table in tables}


def pictures_of(evidence: ReportData) -> tuple[Picture, ...]:
    """Draw the pictures for which there are data."""
    pictures: list[Picture] = []
    if evidence.gate_runs is not None and len(evidence.gate_runs):
        pictures.append(gate_picture(evidence.gate_runs))
    if len(finished(evidence.runs)):
        pictures += [accuracy_picture(evidence.runs, cost) for cost in COSTS]
    if len(evidence.search) and len(landscape(evidence.search)):
        pictures.append(landscape_picture(evidence.search))
    pictures += [
        pareto_picture(evidence.search, *objective) for objective in second_objective(evidence)
    ]
    if len(evidence.curves):
        pictures.append(curves_picture(evidence.curves))
    return (*pictures, *_time_pictures(evidence.runs, evidence.time))


def _time_pictures(runs: pd.DataFrame, time: TimingData | None) -> Iterator[Picture]:
    if time is None:
        return
    if len(accuracy_latency_frame(runs, time.frame)):
        yield accuracy_latency_picture(runs, time.frame)
    if time.explanation is not None:
        yield latency_model_picture(time.points, time.explanation)


def _by_name(pictures: Iterable[Picture]) -> dict[str, Picture]:
    return {picture.name: picture for picture in pictures}


def template_values(evidence: ReportData, tables: Mapping[str, Table]) -> dict[str, object]:
    """Return all that both templates name but the pictures; worked out once for a report."""
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
        "classes": ""
        if evidence.classes is None
        else classes_sentence(evidence.classes, len(finished(evidence.runs))),
        "environment": environment_table(evidence.environment),
        "left_aligned": LEFT_ALIGNED,
        "pareto": [f"pareto_{second}" for second, _ in second_objective(evidence)],
        "data_uri": data_uri,
        "inlined": inlined,
        "as_cell": cell_markup,
        "data": Markup(page_json(frames_of(evidence))),
    }
