"""The published figures, and their copy for readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.arch import paper


def test_the_copy_for_readers_says_the_same() -> None:
    copy = Path(__file__).parents[2] / "results" / "published" / "published.csv"
    assert copy.read_text(encoding="utf-8") == paper.TABLES


def test_the_papers_constants_nominally_double_the_macs() -> None:
    constants = paper.PAPER_CONSTANTS
    assert constants.nominal_growth == pytest.approx(2, abs=0.1)


def test_rows_know_what_the_source_leaves_out() -> None:
    by_key = {(row.source, row.base, row.model): row for row in paper.published_networks()}
    compound = by_key["T7", "efficientnet_b0", "compound"]
    assert (compound.depth, compound.width, compound.resolution_factor) == (1.4, 1.2, 1.3)
    assert (compound.macs_g, compound.top1, compound.top5) == (1.8, 81.1, None)
    assert len(by_key) == len(paper.published_networks()) == 8 + 4 + 5 + 5 + 5


def test_the_official_family_is_table_2() -> None:
    officials = paper.officials()
    assert [official.model for official in officials] == [f"b{k}" for k in range(8)]
    assert officials[7] == paper.Official("b7", 3.1, 2.0, 600, 0.5)
