"""What is printed: as it is, whatever it holds and whatever the output can take."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from scaling_search.cli import console
from scaling_search.cli.console import allow_any_encoding, show_rows
from scaling_search.cli.progress import draws_bars
from scaling_search.core.errors import UserError
from scaling_search.core.toml_config import read_text
from scaling_search.data.request import DataRequest

NAMES = "[bold]x[/bold]", "[/red]", ":smile:", "\u202eabc", "🐱"


def printed(encoding: str, monkeypatch: pytest.MonkeyPatch, text: str, *, as_json: bool) -> str:
    """What standard output of this encoding takes of a row."""
    taken = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken, encoding=encoding))
    allow_any_encoding()
    show_rows([{"name": text}], as_json)
    sys.stdout.flush()
    return taken.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_an_encoding_lacks_is_spelt_out(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "alpha phi" in printed(encoding, monkeypatch, "α φ", as_json=False)
    assert r"\u72ac" in printed(encoding, monkeypatch, "犬", as_json=False)
    shown = printed(encoding, monkeypatch, "α🐱", as_json=True)
    assert json.loads(shown) == [{"name": "α🐱"}]


def test_a_name_that_is_no_utf8_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.fsdecode(b"a\xff")
    assert r"a\udcff" in printed("utf-8", monkeypatch, name, as_json=False)
    assert json.loads(printed("utf-8", monkeypatch, name, as_json=True)) == [{"name": name}]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_users_is_markup(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = printed("utf-8", monkeypatch, name, as_json=False)
    assert name in shown
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    console.errors.print(name)
    assert name in errors.getvalue()


WIDE = [{"network": "efficientnet", "macs": 385_814_752, "feature_maps_px": "112 56 28"}]


@pytest.mark.parametrize("width", [20, 31, 32, 33, 40, 200])
def test_no_width_breaks_a_number_or_a_name(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.console, "width", width)
    show_rows(WIDE, False, "a title")
    words = capsys.readouterr().out.split()
    assert {"efficientnet", "385,814,752", "112", "56", "28", "network"} <= set(words)
    assert "feature_maps_px" in words or {"feature", "maps", "px"} <= set(words)


def test_a_line_a_cell_where_a_table_would_be_too_wide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.console, "width", 20)
    show_rows(WIDE, False, "a title")
    title, name, macs, maps, *_ = capsys.readouterr().out.splitlines()
    assert title == "a title"
    assert name.split() == ["network", "efficientnet"]
    assert macs.split() == ["macs", "385,814,752"]
    assert maps == "feature_maps_px  112 56 28"


def test_a_log_and_a_dumb_terminal_get_lines_and_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert draws_bars(Console(file=io.StringIO(), force_terminal=True))
    assert not draws_bars(Console(file=io.StringIO()))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not draws_bars(Console(file=io.StringIO()))
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not draws_bars(Console(file=io.StringIO(), force_terminal=True))


def test_a_latin_1_log_takes_what_the_program_prints() -> None:
    words = [sys.executable, "-m", "scaling_search", "family", "nano", "--phis", "0:1"]
    surroundings = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    ended = subprocess.run(words, capture_output=True, env=surroundings, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"phi = 1" in ended.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_file_is_read_by_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    path, text = tmp_path / "study.toml", 'name = "é"\r\n'
    marked = text if encoding in ("utf-8", "utf-8-sig", "utf-16") else "\ufeff" + text
    path.write_bytes(marked.encode(encoding))
    assert read_text(path, "study") == text


def test_a_root_that_no_study_can_name_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"must be UTF-8, got 'a\\udcff': give it another"):
        DataRequest("imagefolder", root=os.fsdecode(b"a\xff"))
