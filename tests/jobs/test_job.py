"""Jobs: what makes two trainings the same, and the way into JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import job_for, job_from_json, job_to_json
from scaling_search.jobs.result import (
    Diverged,
    Finished,
    Lost,
    OtherSide,
    OutOfMemory,
    Result,
    TimedOut,
    result_from_json,
    result_to_json,
)
from scaling_search.nets.initial_weights import InitialWeights
from tests.jobs.small import DATA, FINISHED, JOB, NETWORK, RECIPE, job
from tests.trainings import scores


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": NETWORK.with_name("another name")},
        {"data": DataRequest("imagefolder", root="/somewhere/else")},
        {"data": replace(DATA, download=True)},
        {"train_images": 181},
    ],
)
def test_name_and_place_are_not_part_of_a_job(changes: dict[str, Any]) -> None:
    assert job(**changes).hash == JOB.hash


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": replace(NETWORK, resolution_px=16)},
        {"images": "fedcba9876543210"},
        {"recipe": replace(RECIPE, learning_rate=0.2)},
        {"recipe": replace(RECIPE, dropout=0.5)},
        {"epochs": 2},
        {"seed": 1},
        {"reads_test": True},
    ],
)
def test_each_other_field_is(changes: dict[str, Any]) -> None:
    assert job(**changes).hash != JOB.hash


def test_the_weights_that_a_training_begins_with_are_part_of_it_and_their_place_is_not() -> None:
    initial = InitialWeights("a.pth", "0" * 16, NETWORK, (0.5,), (0.25,))
    begun = job(initial=initial)
    assert len({begun.own_hash, begun.shared_hash, JOB.own_hash, JOB.shared_hash}) == 4
    assert job(initial=replace(initial, path="b.pth")).hash == begun.hash
    for changes in ({"content": "1" * 16}, {"mean": (0.4,)}, {"std": None}):
        assert job(initial=replace(initial, **changes)).shared_hash != begun.shared_hash
    assert job_from_json(json.loads(json.dumps(job_to_json(begun)))) == begun


def test_hashes_are_sixteen_digits_and_three_different_ones() -> None:
    hashes = {JOB.hash, JOB.own_hash, JOB.shared_hash}
    assert len(hashes) == 3
    for text in hashes:
        assert len(text) == 16
        assert int(text, 16) >= 0


def test_reading_the_test_split_is_another_job_of_the_same_training() -> None:
    reads = job(reads_test=True)
    assert reads.hash != JOB.hash
    assert reads.own_hash == JOB.own_hash


def test_trainings_of_two_lengths_share_the_plateau_alone() -> None:
    longer = job(epochs=2)
    assert longer.shared_hash == JOB.shared_hash
    assert longer.own_hash != JOB.own_hash


def test_scoring_at_another_side_is_another_job_of_the_same_training() -> None:
    scored = job(recipe=replace(RECIPE, evaluate_px_factor=1.25))
    assert scored.hash != JOB.hash
    assert scored.own_hash == JOB.own_hash


def test_another_seed_shares_nothing() -> None:
    assert job(seed=1).shared_hash != JOB.shared_hash


def test_a_job_comes_back_from_json() -> None:
    for original in (JOB, job(reads_test=True, data=DataRequest("imagefolder", root="/x"))):
        back = job_from_json(json.loads(json.dumps(job_to_json(original))))
        assert back == original
        assert back.hash == original.hash


def test_a_job_with_an_unknown_key_is_refused() -> None:
    values = job_to_json(JOB)
    values["recipe"]["learning_rat"] = 0.1
    with pytest.raises(ValidationError, match="learning_rat"):
        job_from_json(values)


@pytest.mark.parametrize(
    "result",
    [
        FINISHED,
        replace(FINISHED, test=scores(0.1 + 0.2)),
        replace(FINISHED, other_side=OtherSide(12, scores(0.5), None)),
        Diverged("the loss of epoch 1 is nan"),
        OutOfMemory(64, "no room"),
        TimedOut(60.5),
        Lost(3, "the process ended with status -9"),
    ],
)
def test_every_result_comes_back_from_json(result: Result) -> None:
    assert result_from_json(json.loads(json.dumps(result_to_json(result)))) == result


def test_an_unknown_kind_of_result_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        result_from_json({"kind": "excellent"})


def test_a_job_takes_what_is_known_of_the_images() -> None:
    info = DataInfo("typefaces", ("a", "b"), 1, 96, 180, 20, 40, 0, JOB.images)
    assert job_for(NETWORK, (DATA, info), RECIPE, epochs=1, seed=0) == JOB


def test_another_validation_split_is_another_training_and_none_is_as_before() -> None:
    redrawn = job(data=replace(DATA, validation_seed=7))
    assert redrawn.own_hash != JOB.own_hash
    assert redrawn.own_hash != job(data=replace(DATA, validation_seed=8)).own_hash
    assert job(data=replace(DATA, validation_seed=None)).hash == JOB.hash


def test_a_jobs_length_is_counted_in_forward_multiply_adds() -> None:
    assert job(epochs=4).mac_images == 4 * JOB.mac_images
    assert job(train_images=360).mac_images == 2 * JOB.mac_images


def test_the_history_of_a_finished_job_is_a_tuple_again() -> None:
    back = result_from_json(json.loads(json.dumps(result_to_json(FINISHED))))
    assert isinstance(back, Finished)
    assert isinstance(back.history, tuple)
