"""A star that is trained: in a directory of its own, and from where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.study import with_function
from scaling_search.jobs.ledger import Ledger
from scaling_search.star.sweep import StarSweep
from scaling_search.star.training import StarStudy, of_study, star_study, train_star
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

FINER = replace(TINY, base="nano", base_px=16)
SWEEP = StarSweep((1, 2, 3), sizes=4, seeds=1, axes=("width", "resolution"))


def test_a_star_is_trained_once_and_read_again(tmp_path: Path) -> None:
    found = train_star(of_study(FINER), SWEEP, tmp_path, device="cpu", workers=0)
    assert [each.axis for each in found.dimensions] == ["width", "resolution"]
    assert [each.sizes for each in found.dimensions] == [4, 4]
    assert found.origin == "the paper's"
    assert found.misfit is None  # one seed
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    again = train_star(of_study(FINER), SWEEP, tmp_path, device="cpu", workers=0)
    assert (tmp_path / "ledger.jsonl").read_text().splitlines() == lines
    assert again.dimensions == found.dimensions
    longer = replace(SWEEP, seeds=2)
    more = train_star(of_study(FINER), longer, tmp_path, device="cpu", workers=0)
    assert set(more.points.frame["n"]) == {2}
    assert len(Ledger.snapshot(tmp_path / "ledger.jsonl").path.read_text().splitlines()) == 2 * len(
        lines
    )


def test_a_runs_constants_are_those_that_its_search_found(tmp_path: Path) -> None:
    run(TINY, tmp_path / "searched", device="cpu", workers=0, search_only=True)
    asked = star_study(tmp_path / "searched")
    assert asked.origin == "searched"
    assert asked.constants.nominal_growth > 1
    given = replace(TINY.compare, rivals=(), epochs=1, constants=Coefficients(1.1, 1.2, 1.3))
    run(replace(TINY, compare=given), tmp_path / "given", device="cpu", workers=0)
    assert star_study(tmp_path / "given") == StarStudy(
        star_study(tmp_path / "given").study, Coefficients(1.1, 1.2, 1.3), "given"
    )


def test_a_search_that_has_not_ended_has_no_constants_yet(tmp_path: Path) -> None:
    run(TINY, tmp_path, device="cpu", workers=0, search_only=True)
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(UserError, match="needs a finished search"):
        star_study(tmp_path)


def test_a_function_has_no_table_to_sweep(tmp_path: Path) -> None:
    study = with_function(FINER, "tests.own_network:make")
    with pytest.raises(UserError, match="a star is of a base that a table describes"):
        train_star(of_study(study), SWEEP, tmp_path)
