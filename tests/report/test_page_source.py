"""A page knows what it and the files beside it were drawn of, and that nobody has edited them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.report import page_source
from scaling_search.report.page_source import marked_page, source_digest, unedited_files

SOURCE = source_digest([b"84.2 %"])
FILES = ("tables/gains.csv", "figures/gate.png")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(name.encode())
    path = tmp_path / "report.html"
    path.write_text(marked_page("<html>α</html>", SOURCE, FILES, tmp_path), encoding="utf-8")
    return path


def test_other_inputs_are_another_source() -> None:
    assert source_digest([b"84.2 %"]) == SOURCE
    assert source_digest([b"84.3 %"]) != SOURCE
    assert source_digest([b"84.2", b" %"]) != SOURCE


def test_other_code_is_another_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_source, "code_digest", lambda: "mended")
    assert source_digest([b"84.2 %"]) != SOURCE


def test_another_template_is_another_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page_source, "_TEMPLATES", tmp_path)
    sources = set()
    for text in ("blue", "red"):
        (tmp_path / "report.css").write_text(text)
        sources.add(source_digest([b"84.2 %"]))
    assert len(sources) == 2


def test_another_version_of_a_library_is_another_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_source, "version", lambda _: "0.1")
    assert source_digest([b"84.2 %"]) != SOURCE


def test_a_page_names_its_files_to_who_asks_for_what_it_was_drawn_of(page: Path) -> None:
    assert unedited_files(page, SOURCE) == FILES
    assert unedited_files(page, source_digest([b"84.3 %"])) is None


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_edited_or_gone_is_seen(page: Path, name: str) -> None:
    (page.parent / name).write_bytes(b"mine")
    assert unedited_files(page, SOURCE) is None
    (page.parent / name).unlink()
    assert unedited_files(page, SOURCE) is None


def test_an_edited_page_is_seen(page: Path) -> None:
    page.write_text(page.read_text(encoding="utf-8").replace("α", "β"), encoding="utf-8")
    assert unedited_files(page, SOURCE) is None


@pytest.mark.parametrize("text", [b"", b"<html></html>\n", b"<!-- drawn from \xff"])
def test_a_page_without_a_mark_was_drawn_of_nothing_that_is_known(page: Path, text: bytes) -> None:
    page.write_bytes(text)
    assert unedited_files(page, SOURCE) is None


def test_where_there_is_no_page_there_are_no_files(tmp_path: Path) -> None:
    assert unedited_files(tmp_path / "report.html", SOURCE) is None
