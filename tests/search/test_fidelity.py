"""τ, ceiling and regret on tables small enough to be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scaling_search.search.fidelity import (
    agreement,
    lengths,
    scores,
    seed_agreement,
    winner_shift,
)


def table(**rows: list[float]) -> pd.DataFrame:
    """Candidates by name, a column a seed."""
    return pd.DataFrame.from_dict(rows, orient="index")


def noisy(quality: np.ndarray, sd: float, seeds: int, seed: int) -> pd.DataFrame:
    """Candidates of that quality, each seed with noise of its own."""
    rng = np.random.default_rng(seed)
    values = quality[:, None] + sd * rng.standard_normal((len(quality), seeds))
    return pd.DataFrame(values, index=[f"n{i}" for i in range(len(quality))])


def curves(top1: dict[tuple[str, int, int], float]) -> pd.DataFrame:
    """Trainings by network, length and seed, of which only the last epoch is known."""
    rows = [
        {"network": n, "epochs": e, "seed": s, "epoch": e, "validation_top1": value}
        for (n, e, s), value in top1.items()
    ]
    return pd.DataFrame(rows)


def test_of_six_pairs_one_turned_round_leaves_a_tau_of_two_thirds() -> None:
    left = table(a=[0.1], b=[0.2], c=[0.3], d=[0.4])
    right = table(a=[0.2], b=[0.1], c=[0.3], d=[0.4])
    found = agreement(left, right)
    assert found.tau == pytest.approx((5 - 1) / 6)
    assert found.n == 4
    assert (found.winner, found.best, found.regret_points) == ("d", "d", 0.0)


def test_only_common_candidates_are_compared() -> None:
    left = table(a=[0.1], b=[0.2], c=[0.3], x=[0.9])
    right = table(c=[0.3], b=[0.2], a=[0.1], y=[0.9])
    found = agreement(left, right)
    assert (found.n, found.tau, found.winner) == (3, 1.0, "c")


def test_of_two_candidates_nothing_is_said() -> None:
    found = agreement(table(a=[0.1], b=[0.2]), table(a=[0.1], b=[0.2]))
    assert math.isnan(found.tau)
    assert (found.n, found.winner) == (2, "")


def test_the_regret_is_what_the_first_winner_lacks_under_the_second_condition() -> None:
    left = table(a=[0.5, 0.5], b=[0.4, 0.4], c=[0.3, 0.3])
    right = table(a=[0.60, 0.61], b=[0.63, 0.64], c=[0.10, 0.11])
    found = agreement(left, right)
    assert (found.winner, found.best) == ("a", "b")
    assert found.regret_points == pytest.approx(3.0)
    # The seeds differ by 0.01 in all candidates alike, which pairing takes out: no scatter.
    assert found.regret_low == pytest.approx(3.0)
    assert not found.tied


def test_a_regret_within_the_noise_is_a_tie_and_never_below_zero() -> None:
    left = table(a=[0.5, 0.5], b=[0.4, 0.4], c=[0.3, 0.3])
    right = table(a=[0.60, 0.64], b=[0.65, 0.61], c=[0.10, 0.11])
    found = agreement(left, right)
    assert found.regret_points == pytest.approx(1.0)
    assert found.regret_low == 0.0
    assert found.regret_high > 1.0
    assert found.tied


def test_the_regret_s_interval_is_hsu_s_by_hand() -> None:
    right = table(a=[0.60, 0.64], b=[0.65, 0.61], c=[0.10, 0.11])
    found = agreement(table(a=[3.0], b=[2.0], c=[1.0]), right)
    # Residuals of the two-way layout: ∓0.025, ±0.015 … by hand.
    centred = np.array([[-0.02, 0.02], [0.02, -0.02], [-0.005, 0.005]])
    residuals = centred - centred.mean(axis=0)
    sd = math.sqrt((residuals**2).sum() / 2)
    half = 100 * sd * stats.t.ppf(1 - 0.05 / 2, 2)
    assert found.regret_high == pytest.approx(1.0 + half)


def test_one_seed_alone_gives_no_ceiling_and_no_interval_of_the_regret() -> None:
    found = agreement(table(a=[0.1], b=[0.2], c=[0.3]), table(a=[0.3], b=[0.2], c=[0.1]))
    assert found.tau == -1.0
    assert found.regret_points == pytest.approx(20.0)
    assert all(map(math.isnan, (found.ceiling, found.seed_tau, found.regret_low, found.low)))
    assert found.tied


def test_the_same_trainings_give_the_same_interval() -> None:
    left, right = (noisy(np.arange(8.0), 2.0, 3, seed) for seed in (1, 2))
    assert agreement(left, right) == agreement(left, right)


def test_without_noise_the_ceiling_is_one_and_with_noise_alone_it_is_near_zero() -> None:
    sure = noisy(np.arange(30.0), 1e-6, 3, 0)
    assert agreement(sure, sure).ceiling == pytest.approx(1.0, abs=1e-3)
    first, second = (noisy(np.zeros(200), 1.0, 3, seed) for seed in (1, 2))
    assert agreement(first, second).ceiling < 0.3


def test_the_ceiling_foretells_the_tau_of_trainings_made_once_more() -> None:
    quality = np.random.default_rng(5).standard_normal(300)
    once, again = (noisy(quality, 1.0, 3, seed) for seed in (1, 2))
    found = agreement(once, again)
    assert found.ceiling == pytest.approx(found.tau, abs=0.06)
    # One seed alone says less than the mean of three.
    assert found.seed_tau < found.tau - 0.1


def test_seeds_are_compared_pair_by_pair() -> None:
    three = table(a=[0.1, 0.1, 0.3], b=[0.2, 0.2, 0.2], c=[0.3, 0.3, 0.1])
    found = seed_agreement(three)
    assert found.tau == pytest.approx((1 - 1 - 1) / 3)
    # Seeds 0 and 1 choose c, which the two others' mean puts level with the rest; seed 2 chooses
    # a, 20 points below c for the others.
    assert found.regret_points == pytest.approx((0 + 0 + 20) / 3)


def test_scores_leave_out_what_is_unfinished_or_failed() -> None:
    known = {(n, 2, s): 0.5 for n in "abcd" for s in (0, 1)}
    del known["b", 2, 1]
    known["c", 2, 0] = math.nan
    assert list(scores(curves(known), 2).index) == ["a", "d"]
    assert lengths(curves(known)) == []


def test_a_winner_that_shifts_is_found_and_one_that_stays_is_not() -> None:
    short = {("a", 1, 0): 0.5, ("b", 1, 0): 0.4, ("c", 1, 0): 0.3, ("d", 1, 0): 0.1}
    shifted = {("a", 4, 0): 0.6, ("b", 4, 0): 0.7, ("c", 4, 0): 0.5}
    found = winner_shift(curves({**short, **shifted}))
    assert found is not None
    assert (found.left, found.right) == ("1 epoch", "4 epochs")
    assert (found.agreement.winner, found.agreement.best) == ("a", "b")
    assert found.agreement.tau == pytest.approx(1 / 3)
    stayed = {("a", 4, 0): 0.8, ("b", 4, 0): 0.7, ("c", 4, 0): 0.5}
    assert winner_shift(curves({**short, **stayed})) is None
    assert winner_shift(curves(short)) is None
