"""The verb that checks a run directory: doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from scaling_search.cli import options
from scaling_search.cli.console import console, print_json
from scaling_search.doctor.examine import examine
from scaling_search.doctor.finding import Finding, healthy

MARKS = {"good": ("✓", "green"), "note": ("·", "dim"), "attention": ("!", "bold red")}


def doctor_command(
    run_directory: Annotated[Path, typer.Argument(help="A directory that `run` wrote.")],
    function: options.FunctionOption = None,
    root: options.MovedRoot = None,
    as_json: options.AsJson = False,
) -> None:
    """Check a run directory and say what the next run does; changes nothing.

    Works beside a run under way. Exit status 1: something needs attention. Example:
    scaling-search doctor runs/demo
    """
    findings = examine(run_directory, function=function, root=root)
    if as_json:
        values = [asdict(finding) for finding in findings]
        print_json({"healthy": healthy(findings), "findings": values})
    else:
        for finding in findings:
            _show(finding)
    raise typer.Exit(0 if healthy(findings) else 1)


def _show(finding: Finding) -> None:
    mark, style = MARKS[finding.state]
    lead = Text.assemble((mark, style), f" {finding.about:<12} ")
    console.print(lead + Text(finding.what), soft_wrap=True)
    if finding.then:
        console.print(Text(f"{'':14} → {finding.then}", style="dim"), soft_wrap=True)
