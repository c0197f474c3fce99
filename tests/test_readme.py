"""README and docs tell the truth: their tables are the committed ones, their examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.cli.verbs import VERBS
from scaling_search.experiment.network_file import network_from_toml
from scaling_search.experiment.outcome import redraw
from scaling_search.experiment.study_file import from_toml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SEARCHES = (ROOT / "docs" / "searches.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/ledger.jsonl"))


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_tables_are_those_of_the_committed_runs() -> None:
    embedded = [page.name for page in PAGES if "<!-- results/" in page.read_text(encoding="utf-8")]
    assert embedded == ["README.md", "what-a-search-saves.md"]
    command = [sys.executable, str(ROOT / "results/embed.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("committed", RUNS, ids=lambda path: path.name)
def test_a_committed_run_is_what_its_ledger_gives(committed: Path, tmp_path: Path) -> None:
    copied = tmp_path / committed.name
    copied.mkdir()
    for name in ("study.toml", "data.json", "environment.json", "ledger.jsonl"):
        (copied / name).write_bytes((committed / name).read_bytes())
    redraw(copied)
    tables = sorted(path.relative_to(committed) for path in committed.glob("tables/*"))
    assert len(tables) >= 6
    for table in [*tables, Path("README.md")]:
        assert (copied / table).read_text() == (committed / table).read_text(), table


def test_two_runs_are_committed() -> None:
    assert {"fashion-mnist", "cifar10"} <= {path.name for path in RUNS}


def test_the_first_python_example_prints_what_it_says() -> None:
    code = blocks("python")[0]
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [round(float(line), 2) for line in printed[:2]] == [1.92, 2.57]
    assert len(printed) == 2 + 20


def test_the_study_of_the_docs_is_one() -> None:
    study, network = blocks("toml", SEARCHES)
    assert from_toml(study).name == "photos"
    assert network_from_toml(network).name == "mine"


def test_every_verb_is_in_the_readme() -> None:
    named = set(re.findall(r"`([\w-]+)`", README[README.index("## Commands") :]))
    assert set(VERBS) <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
