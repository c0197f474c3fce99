"""What a star says: exponents that made it, the constants they imply, and in which words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from scaling_search.star.findings import StarFindings, implied_constants, star_findings
from scaling_search.star.intervals import Straightness
from scaling_search.star.report import (
    exponents_table,
    points_table,
    star_picture,
    star_sentences,
)
from tests.star.results import BASE, PAPER, points, trained
from tests.trainings import finished


@pytest.fixture(scope="module")
def found() -> StarFindings:
    return star_findings(points(), BASE, PAPER, "given", 2.0)


def test_the_exponents_that_made_the_star_are_within_their_intervals(found: StarFindings) -> None:
    truth = {"depth": 0.5, "width": 0.5, "resolution": 0.2}
    shares = {"depth": 0.5 / 1.4, "width": 0.5 / 1.4, "resolution": 0.4 / 1.4}
    for each in found.dimensions:
        assert each.exponent_range.holds(truth[each.axis])
        assert each.share_range.holds(shares[each.axis])
        assert (each.sizes, each.is_open) == (6, False)


def test_the_shares_of_given_constants_are_those_of_their_nominal_growth(
    found: StarFindings,
) -> None:
    total = np.log(1.2) + 2 * np.log(1.1) + 2 * np.log(1.15)
    expected = np.array([np.log(1.2), 2 * np.log(1.1), 2 * np.log(1.15)]) / total
    assert [each.given_share for each in found.dimensions] == pytest.approx(expected)


def test_implied_constants_keep_the_exponents_ratios_and_double_the_macs() -> None:
    base = zoo.get("resnet-50")
    constants = implied_constants(base, {"width": 0.4, "resolution": 0.3}, growth=2.0)
    assert constants.alpha == 1
    # β is of channels, the exponent of their squares.
    assert np.log(constants.beta) / np.log(constants.gamma) == pytest.approx(0.2 / 0.3, rel=1e-6)
    grown = scale(base, Multipliers(1.0, constants.beta, constants.gamma))
    assert count(grown).macs / count(base).macs == pytest.approx(2, rel=0.05)


def test_too_few_points_are_refused_before_a_wrong_interval() -> None:
    few = points()
    few = replace(few, frame=few.frame.groupby("axis").head(7))  # 3 × 7, of which 2 × 3 are again
    with pytest.raises(UserError, match=r"more points than its surfaces have parameters, got 15"):
        star_findings(few, BASE, PAPER, "given", 2.0)


def test_seeds_that_scatter_less_than_networks_are_a_misfit(found: StarFindings) -> None:
    # Each training's luck is its own, so that the surfaces miss means no further than seeds say.
    assert found.misfit is not None
    assert found.misfit.p_value > 0.01
    assert 0.5 < found.misfit.times < 1.5
    fixed: dict[str, float] = {}
    rng, find = np.random.default_rng(8), trained(luck=0.0001)

    def of_network(job: TrainJob) -> Finished | None:
        own = fixed.setdefault(f"{job.architecture.fingerprint} {job.epochs}", rng.normal())
        result = find(job)
        assert result is not None
        return finished(result.validation_top1 + 0.004 * own)

    missed = star_findings(points(of_network), BASE, PAPER, "given", 2.0)
    assert missed.misfit is not None
    assert missed.misfit.p_value < 0.001
    assert missed.misfit.times > 5
    assert any("times as far from the surfaces" in line for line in star_sentences(missed))


def test_sentences_compare_the_constants_and_say_whether_the_line_is_straight(
    found: StarFindings,
) -> None:
    text = " ".join(star_sentences(found))
    assert "For 2 times the MACs the star implies α = " in text
    # 0.43 of the paper's growth is resolution's, of the star's 0.29.
    assert "given are α = 1.20, β = 1.10, γ = 1.15: their share of " in text
    assert "resolution lies outside the star's interval" in text
    agreeing = tuple(replace(each, given_share=each.share) for each in found.dimensions)
    agreed = " ".join(star_sentences(replace(found, dimensions=agreeing)))
    assert "each of their shares lies within the star's interval" in agreed
    for p_value, said in (
        (0.4, "straight line in log space holds so far: best sizes that bend each in its own way"),
        (0.0002, "does not hold: best sizes that bend each in its own way fit better (p < 0.001)"),
        (float("nan"), "takes more points to say"),
    ):
        other = replace(found, straight=Straightness(p_value))
        assert said in " ".join(star_sentences(other))


def test_tables_and_picture_are_made_of_it(found: StarFindings) -> None:
    table = exponents_table(found)
    assert table.numbers["dimension"].tolist() == ["depth", "width", "resolution"]
    assert table.shown["constant"].str.startswith(("α", "β", "γ")).all()
    rows = points_table(found).numbers
    assert len(rows) == 3 * 6 * 3
    assert np.abs(rows["fitted"] - rows["score"]).max() < 0.01
    assert star_picture(found).svg == star_picture(found).svg
