"""The program's verbs, each loaded when it is called.

Loading them all takes seconds, of torch above all: the version, the list of verbs and a shell's
completion must not wait for that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

VERBS = {
    "run": "run.run_command",
    "plan": "plan.plan_command",
    "search": "run.search_command",
    "compare": "run.compare_command",
    "train": "train.train_command",
    "report": "run.report_command",
    "figure": "figure.figure_command",
    "watch": "figure.watch_command",
    "doctor": "doctor.doctor_command",
    "export": "export.export_command",
    "predict": "export.predict_command",
    "law": "law.law_command",
    "star": "star.star_command",
    "recommend": "recommend.recommend_command",
    "evaluate": "evaluate.evaluate_command",
    "export-optuna": "export.export_optuna_command",
    "family": "inspect.family_command",
    "count": "count.count_command",
    "latency": "measure.latency_command",
    "presets": "presets.presets_command",
    "init": "presets.init_command",
    "networks": "inspect.networks_command",
    "datasets": "inspect.datasets_command",
    "fidelity": "fidelity.fidelity_command",
}
"""For each verb its function, by module; in the order in which they are listed."""


class VerbGroup(TyperGroup):
    """Lists the verbs by their functions' docstrings, and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for verb in VERBS:
            self.add_command(_ListedVerb(verb, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The name, the command with its options, and what else was given."""
        name, command, arguments = super().resolve_command(ctx, args)
        return name, command if name is None else _loaded(name), arguments


class _ListedVerb(TyperCommand):
    """A verb in a list; its function's source is read when the list is shown."""

    def get_short_help_str(self, limit: int = 45) -> str:
        self.help = verb_help(str(self.name))
        return super().get_short_help_str(limit)


def verb_function(verb: str) -> Callable[..., None]:
    """The function of a verb, loaded.

    Examples:
        >>> from scaling_search.cli.verbs import verb_function
        >>> verb_function("init").__name__
        'init_command'
    """
    module, _, name = VERBS[verb].partition(".")
    function: Callable[..., None] = getattr(import_module(_full(module)), name)
    return function


def verb_help(verb: str) -> str | None:
    """What a verb's function says of itself, read from its source without loading it.

    Examples:
        >>> from scaling_search.cli.verbs import verb_help
        >>> verb_help("init").splitlines()[0]
        'Print the file of a ready study, to be changed and run.'
    """
    module, _, name = VERBS[verb].partition(".")
    return next(
        ast.get_docstring(node)
        for node in _parsed(module).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )


@cache
def _parsed(module: str) -> ast.Module:
    loader: Any = getattr(find_spec(_full(module)), "loader", None)
    parsed: ast.Module = ast.parse(loader.get_source(_full(module)))
    return parsed


def _full(module: str) -> str:
    return f"scaling_search.cli.{module}"


def _loaded(verb: str) -> Any:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(verb)(verb_function(verb))
    return get_command(alone)
