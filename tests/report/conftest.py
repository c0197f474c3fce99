"""A report of made-up frames, written once."""

from __future__ import annotations

import pytest

from scaling_search.report.report_data import ReportData
from scaling_search.report.report_files import ReportPaths, write_report
from tests.report.frames import CONSTANTS, curves_frame, runs_frame, search_frame


@pytest.fixture(scope="session")
def evidence() -> ReportData:
    return ReportData(
        title="Scaling micro on typefaces <trial>",
        question="How should micro grow?",
        constants=CONSTANTS,
        runs=runs_frame(),
        search=search_frame(),
        curves=curves_frame(),
        study_toml='name = "demo"\n',
        environment={"torch": "2.14.1", "threads": 1},
        command="scaling-search run --preset demo",
    )


@pytest.fixture(scope="session")
def report(evidence: ReportData, tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return write_report(evidence, tmp_path_factory.mktemp("report"))
