"""A page knows what it was drawn of."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.report import drawn_from
from scaling_search.report.drawn_from import mark, pictures_of_page, source_of


def test_other_words_are_another_source() -> None:
    assert source_of(["84.2 %"]) == source_of(["84.2 %"])
    assert source_of(["84.2 %"]) != source_of(["84.3 %"])


def test_other_code_is_another_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    monkeypatch.setattr(drawn_from, "_PACKAGE", tmp_path)
    sources = []
    for text in ("blue", "red"):
        (tmp_path / "report" / "report.css").write_text(text)
        sources.append(source_of(["84.2 %"]))
    assert sources[0] != sources[1]


def test_a_page_names_its_pictures_to_who_asks_for_what_it_was_drawn_of(tmp_path: Path) -> None:
    page, source = tmp_path / "report.html", source_of(["84.2 %"])
    assert pictures_of_page(page, source) is None
    page.write_text("<html></html>\n")
    assert pictures_of_page(page, source) is None
    page.write_text("<html></html>\n" + mark(source, ["gate", "accuracy_macs"]))
    assert pictures_of_page(page, source) == ("gate", "accuracy_macs")
    assert pictures_of_page(page, source_of(["84.3 %"])) is None
    page.write_text(mark(source, []))
    assert pictures_of_page(page, source) == ()
