"""How the end of a study is printed: lines that can be read aloud, or JSON for machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from scaling_search.cli.console import console, print_json
from scaling_search.experiment.outcome import Outcome
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.summary import summary_lines
from scaling_search.search.constants import Constants


def show_outcome(outcome: Outcome, as_json: bool) -> None:
    """Print what was found, in lines that can be read aloud, and where the report lies."""
    if as_json:
        print_json(_outcome_values(outcome))
        return
    for line in summary_lines(outcome.constants, outcome.gate, outcome.runs):
        console.print(line, highlight=False, soft_wrap=True)
    if outcome.left_out:
        console.print(outcome.left_out, highlight=False, soft_wrap=True)
    console.print(str(outcome.report.html), style="bold", soft_wrap=True, highlight=False)


def _constants_values(constants: Constants | None) -> dict[str, Any] | None:
    return {**asdict(constants), "p_best": constants.p_best} if constants else None


def _outcome_values(outcome: Outcome) -> dict[str, Any]:
    frames = {
        "comparison": comparison_table(outcome.runs).numbers if len(outcome.runs) else outcome.runs,
        "gains": outcome.gains,
        "search": outcome.search,
    }
    return {
        "constants": _constants_values(outcome.constants),
        **{name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()},
        "cautions": list(outcome.cautions),
        "rates": list(outcome.rates.sentences) if outcome.rates else [],
        "gate": None if outcome.gate is None else [finding.sentence for finding in outcome.gate],
        "left_out": outcome.left_out,
        "report": str(outcome.report.html),
    }
