"""The examples in docstrings: each runs as it is printed, and what users are told of has one."""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import scaling_search

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "scaling_search"
FLOORS = sorted(folder.parent.name for folder in PACKAGE.glob("*/__init__.py"))
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs/tutorial.ipynb")
IMPORT = re.compile(r"from (scaling_search[\w.]*) import (\w+(?:, \w+)*)")
PROMPT = ">>> "


def modules_with_examples() -> list[str]:
    """By their text: no other module is imported, nor a library that only it needs."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if PROMPT in path.read_text("utf-8"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


def told_to_users() -> Iterator[tuple[str, str]]:
    """Module and name of what the package's top and the pages of documentation import."""
    yield from (("scaling_search", name) for name in scaling_search.__all__)
    for page in PAGES:
        for module, names in IMPORT.findall(page.read_text(encoding="utf-8")):
            yield from ((module, name) for name in names.split(", "))


def public_functions(module: ModuleType) -> list[object]:
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a clone, to be read; what examples write lies beside them.

    One for all, so that the run which several of them show is trained once.
    """
    folder = tmp_path_factory.mktemp("clone")
    (folder / "results").symlink_to(ROOT / "results")
    return folder


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_print_what_they_say(
    name: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone)
    module, said = importlib.import_module(name), list[str]()
    runner = doctest.DocTestRunner(verbose=False)
    # Without the module's own names: what is shown can be pasted as it stands.
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name, globs={}):
        runner.run(example, out=said.append)
        # The site shows others as quotations within quotations.
        assert not example.examples or "Examples:" in str(example.docstring), example.name
    assert runner.tries > 0
    assert not said, "".join(said)


@pytest.mark.parametrize(("module", "name"), sorted({*told_to_users()}))
def test_what_users_are_told_of_has_an_example(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    for each in public_functions(value) if isinstance(value, ModuleType) else [value]:
        assert PROMPT in str(each.__doc__), each


@pytest.mark.parametrize("floor", FLOORS)
def test_every_floor_shows_how_it_is_used(floor: str) -> None:
    assert any(name.split(".")[1] == floor for name in modules_with_examples())
