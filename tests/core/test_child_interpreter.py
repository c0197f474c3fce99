"""Interpreters that we start find what this one finds, whatever lies in the working directory."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.core.child_interpreter import SAFE_PATH, child_command, safe_path, search_path

PROBE = """
import json
import queue
import sys
import shared


def main(number, text):
    print(json.dumps([number, text, queue.__file__, shared.WHOSE, sys.path]))
"""


def probed(folder: Path) -> list[object]:
    """What a new interpreter in this folder finds."""
    command = child_command("probe", 3, "a 'b' \\udcff")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    entries: list[object] = json.loads(done.stdout)
    return entries


@pytest.mark.parametrize("first", ["", "the folder"])
def test_pythons_own_modules_come_first_then_all_in_this_ones_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "queue.py").write_text("raise RuntimeError\n")
    (tmp_path / "shared.py").write_text("WHOSE = 'of the first'\n")
    (other / "shared.py").write_text("WHOSE = 'of the last'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [first and str(tmp_path), *sys.path, str(other)])
    number, text, of_queue, whose, path = probed(tmp_path)
    assert (number, text) == (3, "a 'b' \\udcff")
    assert of_queue == queue.__file__
    assert whose == "of the first"
    assert path == search_path()
    assert set(search_path()) == {os.path.abspath(entry) for entry in sys.path}  # noqa: PTH100


def test_the_variable_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SAFE_PATH, raising=False)
    with safe_path():
        assert os.environ[SAFE_PATH] == "1"
    assert SAFE_PATH not in os.environ
    monkeypatch.setenv(SAFE_PATH, "yes")
    with safe_path():
        assert os.environ[SAFE_PATH] == "1"
    assert os.environ[SAFE_PATH] == "yes"


@pytest.mark.parametrize("name", ["typing", "queue", "torch", "numpy", "logging"])
def test_a_module_of_the_users_folder_stands_in_for_nobody_elses(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('mine')\n")
    words = [sys.executable, "-m", "scaling_search", "count", "nano", "--json"]
    folder = str(Path(__file__).parents[2])
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)[-1]["stage"] == "total"
