"""How many jobs a GPU takes: the trial's steps and its choice, on numbers worked out by hand."""

from __future__ import annotations

import pytest

from scaling_search.jobs import gpu_share
from scaling_search.jobs.gpu_share import (
    ShareMeasurement,
    chosen,
    most_jobs,
    next_number,
    rate,
    trial_words,
)

H100 = [
    ShareMeasurement(1, 6049),
    ShareMeasurement(2, 13065),
    ShareMeasurement(4, 22480),
    ShareMeasurement(8, 39610),
]


def test_on_one_h100_a_small_network_is_tried_up_to_sixteen_times_and_eight_are_chosen() -> None:
    numbers = [next_number(H100[:count], most=16) for count in range(5)]
    assert numbers == [1, 2, 4, 8, 16]
    tried = [*H100, ShareMeasurement(16, 41000)]  # 1.035 times as much
    assert next_number(tried, most=32) is None
    assert chosen(tried) == 8  # 39610 is 96.6 % of 41000


@pytest.mark.parametrize(
    ("last", "most", "expected"),
    [
        (ShareMeasurement(2, 219.0), 16, None),  # a doubling must gain a tenth
        (ShareMeasurement(2, 221.0), 16, 4),
        (ShareMeasurement(2, 221.0), 3, 3),
        (ShareMeasurement(2, 221.0), 2, None),
        (ShareMeasurement(2, 221.0, 0.44), 16, 4),  # 0.22 each: four take 0.88
        (ShareMeasurement(2, 221.0, 0.5), 16, 3),  # 0.25 each: 3.6 would fit
        (ShareMeasurement(2, 221.0, 0.7), 16, None),  # 0.35 each: 2.57 would fit
    ],
)
def test_the_number_doubles_while_throughput_rises_and_memory_lasts(
    last: ShareMeasurement, most: int, expected: int | None
) -> None:
    assert next_number([ShareMeasurement(1, 200.0), last], most) == expected


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([100, 94], 1),
        ([100, 105], 1),  # 100 is 95.2 % of 105
        ([100, 106], 2),
        ([100, 200, 209], 2),
        ([100, 200, 211], 4),
        ([], 1),
    ],
)
def test_the_smallest_number_that_is_as_good_as_the_best_is_chosen(
    rates: list[float], expected: int
) -> None:
    tried = [ShareMeasurement(2**power, images) for power, images in enumerate(rates)]
    assert chosen(tried) == expected


def test_a_rate_is_that_between_the_first_and_the_last_count() -> None:
    assert rate([(10, 4.0), (15, 4.5), (30, 6.0)]) == 10.0


def test_each_worker_has_a_core_and_no_card_more_than_sixteen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_share, "default_workers", {"cpu": 128}.get)
    assert [most_jobs(cards) for cards in (1, 8, 16, 100, 200)] == [16, 16, 8, 1, 1]


def test_the_trial_is_told_in_one_line() -> None:
    assert trial_words(H100[:2]) == "1: 6049, 2: 13065 images/s"
    assert trial_words([]) == "no training ran in it"
