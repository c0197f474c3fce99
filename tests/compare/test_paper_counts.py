"""The paper's scaled networks by our count."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.compare.paper_counts import REASONS, checks, markdown

CHECKS = {(c.row.source, c.row.base, c.row.model): c for c in checks()}


def test_the_page_for_readers_says_the_same() -> None:
    page = Path(__file__).parents[2] / "results" / "published" / "scaled.md"
    assert page.read_text(encoding="utf-8") == markdown()


def test_ten_of_the_counted_rows_agree_to_the_printed_digit() -> None:
    counted = [check for check in CHECKS.values() if check.agrees is not None]
    assert len(counted) == 17
    agreeing = [check for check in counted if check.agrees]
    assert len(agreeing) == 10
    assert all(not check.reason for check in agreeing)


def test_a_reason_is_given_for_every_difference_and_for_nothing_else() -> None:
    assert {key for key, check in CHECKS.items() if check.agrees is False} == set(REASONS)


def test_rows_without_multipliers_are_not_counted() -> None:
    assert {key for key, check in CHECKS.items() if check.counted_g is None} == {
        ("T3", "mobilenet_v2", "compound"),
        ("T3", "resnet50", "compound"),
    }


@pytest.mark.parametrize(("row", "other"), [("d4", "w2"), ("w2", "d4")])
def test_resnets_depth_and_width_rows_fit_each_others_print(row: str, other: str) -> None:
    counted = CHECKS["T3", "resnet50", row].counted_g
    assert counted == pytest.approx(CHECKS["T3", "resnet50", other].printed_g, rel=0.01)
