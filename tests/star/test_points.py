"""From results to points: means, weights, compute, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.star.points import star_jobs
from tests.star.results import (
    CENTRE,
    EXPERIMENT,
    IMAGES,
    NETWORKS,
    SWEEP,
    but_for,
    of_score,
    points,
    trained,
)
from tests.trainings import finished


def test_each_network_is_trained_once_for_each_length_and_seed_without_the_test_images() -> None:
    jobs = list(star_jobs(EXPERIMENT, NETWORKS, SWEEP))
    assert len(jobs) == (1 + 3 * 5) * 3 * 2
    assert len({job.hash for job in jobs}) == len(jobs)
    assert not any(job.reads_test for job in jobs)
    assert {job.seed for job in jobs} == {0, 1}


def test_compute_is_macs_by_images_by_epochs() -> None:
    found = points()
    centre = found.frame[found.frame["network_id"] == CENTRE.fingerprint]
    assert len(centre) == 3 * 3  # it stands on each arm
    longest = centre[centre["epochs"] == 8].iloc[0]
    assert longest["macs"] == count(CENTRE).macs
    assert longest["compute"] == count(CENTRE).macs * IMAGES.train_images * 8


def test_the_centre_counts_once_over_all_arms() -> None:
    star = points().star
    assert star.points == (1 + 3 * 5) * 3
    assert star.freedom == 48 - 19
    first, second = star.sweeps[0], star.sweeps[1]
    at_centre = first.x == 1
    assert at_centre.sum() == 3
    assert first.weights[at_centre] == pytest.approx(second.weights[second.x == 1])
    longest = first.t == 1
    assert longest.sum() == 1


def test_a_mean_weighs_as_the_scatter_of_its_length_says() -> None:
    # Two seeds at ± d have variance 2 d²: 2 epochs scatter three times as far as 4 and 8.
    apart = {2: 0.03, 4: 0.01, 8: 0.01}
    found = points(lambda job: finished(0.5 + (1 if job.seed else -1) * apart[job.epochs]))
    weights = found.frame.groupby("epochs")["weight"].unique()
    assert [len(each) for each in weights] == [1, 1, 1]
    short, middle, long = (float(each[0]) for each in weights)
    assert middle == pytest.approx(long)
    assert long == pytest.approx(9 * short)
    assert found.frame["weight"].mean() == pytest.approx(1)
    # A mean of two at 4 epochs has variance 0.01²; its weight stands for that.
    assert found.unit / long == pytest.approx(0.01**2)
    assert found.seed_freedom == 48


def test_one_seed_says_nothing_of_scatter() -> None:
    found = points(but_for(trained(), seed=1, epochs=4))
    assert set(found.frame.loc[found.frame["epochs"] == 4, "n"]) == {1}
    assert np.isnan(found.unit)
    assert found.missing == 16


def test_a_network_without_any_training_of_a_length_stops_it() -> None:
    find = but_for(but_for(trained(), 0, 4), 1, 4)
    with pytest.raises(UserError, match=r"got none for 18: the same command goes on"):
        points(find)
    with pytest.raises(UserError, match="a star needs finished trainings, got 0"):
        points(lambda _: None)


def test_a_score_is_the_cross_entropy_or_the_error() -> None:
    error, loss = points(), points(sweep=of_score("loss"))
    assert loss.frame["score"].to_numpy() == pytest.approx(2.5 * error.frame["score"].to_numpy())
