"""A page knows what it was drawn of."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.report import page_source
from scaling_search.report.page_source import pictures_of_page, source_digest, source_mark


def test_other_words_are_another_source() -> None:
    assert source_digest(["84.2 %"]) == source_digest(["84.2 %"])
    assert source_digest(["84.2 %"]) != source_digest(["84.3 %"])


def test_other_code_is_another_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    monkeypatch.setattr(page_source, "_PACKAGE", tmp_path)
    sources = []
    for text in ("blue", "red"):
        (tmp_path / "report" / "report.css").write_text(text)
        sources.append(source_digest(["84.2 %"]))
    assert sources[0] != sources[1]


def test_a_page_names_its_pictures_to_who_asks_for_what_it_was_drawn_of(tmp_path: Path) -> None:
    page, source = tmp_path / "report.html", source_digest(["84.2 %"])
    assert pictures_of_page(page, source) is None
    page.write_text("<html></html>\n")
    assert pictures_of_page(page, source) is None
    page.write_text("<html></html>\n" + source_mark(source, ["gate", "accuracy_macs"]))
    assert pictures_of_page(page, source) == ("gate", "accuracy_macs")
    assert pictures_of_page(page, source_digest(["84.3 %"])) is None
    page.write_text(source_mark(source, []))
    assert pictures_of_page(page, source) == ()
