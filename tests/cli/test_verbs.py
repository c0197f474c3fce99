"""The program answers without loading what it doesn't need, and every verb can be loaded."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

from scaling_search.cli.verbs import VERBS, verb_function, verb_help

LIGHT = {
    "the version": ("--version",),
    "the list of verbs": ("--help",),
    "the options of a run": ("run", "--help"),
    "a preset's file": ("init", "demo"),
    "the base networks": ("networks",),
    "a family": ("family", "efficientnet-b0"),
}
CALL = """
import sys
from scaling_search.cli.main import main
try:
    main()
finally:
    print(*{"torch", "scipy", "pandas"} & set(sys.modules), file=sys.stderr)
"""


def heavy_modules(*words: str, **variables: str) -> tuple[str, list[str]]:
    """What a call of the program prints, and which of the heavy packages it brought."""
    command = [sys.executable, "-c", CALL, *words]
    called = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=True
    )
    return called.stdout, called.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("what", LIGHT)
def test_torch_is_not_loaded_for(what: str) -> None:
    printed, heavy = heavy_modules(*LIGHT[what])
    assert printed
    assert heavy == []


def test_torch_is_not_loaded_to_complete_the_name_of_a_preset() -> None:
    words = "scaling-search run --preset cifar"
    printed, heavy = heavy_modules(
        **{"_SCALING_SEARCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "3"}
    )
    assert printed.split() == ["cifar10-b0"]
    assert heavy == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_listed_by_what_its_function_says_of_itself(verb: str) -> None:
    assert verb_help(verb) == inspect.getdoc(verb_function(verb))
