"""What every tracker is told, under which names."""

from __future__ import annotations

from dataclasses import replace

from scaling_search.cost.analytic import count
from scaling_search.jobs.result import Diverged
from scaling_search.trackers.tracker import facts, of_epoch, of_result, training_title
from scaling_search.training.recipe import Recipe
from tests.jobs.small import JOB, NETWORK, job
from tests.trainings import finished, record, scores


def test_a_training_is_called_after_what_tells_it_from_the_others() -> None:
    assert training_title(job(epochs=3, seed=2)) == "micro, 8 px, 3 epochs, seed 2"


def test_the_facts_of_a_training_are_plain_values_with_the_recipes_under_a_prefix() -> None:
    values = facts(job(recipe=Recipe(batch_size=30, learning_rate=0.05)), "comparison")
    assert values["phase"] == "comparison"
    assert (values["macs"], values["params"]) == (count(NETWORK).macs, count(NETWORK).params)
    assert (values["recipe/batch_size"], values["recipe/learning_rate"]) == (30, 0.05)
    assert {type(value) for value in values.values()} <= {str, int, float, bool}


def test_a_training_is_found_again_by_its_hash() -> None:
    assert facts(JOB, "search")["job"] == JOB.hash


def test_an_epochs_scores_are_those_of_the_weights_that_are_handed_on() -> None:
    averaged = replace(record(1, 0.25, train_loss=2.0), averaged=scores(0.5))
    metrics = of_epoch(averaged)
    assert (metrics["train/loss"], metrics["validation/top1"]) == (2.0, 0.5)


def test_test_images_are_told_of_only_where_they_were_read() -> None:
    assert of_result(finished(0.25, 0.5)) == {"final/validation_top1": 0.5}
    read = of_result(finished(0.25, test=0.75))
    assert read == {"final/validation_top1": 0.25, "final/test_top1": 0.75}
    assert of_result(Diverged("the loss is nan")) == {}
