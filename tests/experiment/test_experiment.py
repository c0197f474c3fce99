"""What follows from a study and its images before anything is trained, and how much is to come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.rivals import NamedConstants
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases import ComparisonPhase
from scaling_search.experiment.remaining_work import (
    RemainingWork,
    search_to_come,
    work_in,
    work_of,
)
from scaling_search.experiment.run_state import RunState
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Result
from scaling_search.search.plan import Rung, SearchPlan, Until
from scaling_search.search.search import SearchState
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipe_growth import AtPhi
from tests.tiny import TINY
from tests.trainings import finished

INFO = DataInfo("typefaces", tuple(map(str, range(20))), 1, 96, 160, 40, 100, 1, "f" * 16)
SETTING = Experiment(TINY, INFO)
CONSTANTS = Coefficients(1.2, 1.1, 1.15)


def test_the_base_is_made_for_the_images() -> None:
    base = SETTING.base
    assert (base.in_channels, base.num_classes, base.resolution_px) == (1, 20, 16)


def test_fewer_images_than_a_batch_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(UserError, match=r"a batch of 512 .*got 160: lower batch_size"):
        Experiment(replace(TINY, recipe=Recipe(batch_size=512)), INFO)


def test_the_comparison_holds_base_family_and_each_rival_at_each_phi() -> None:
    members = SETTING.members(Coefficients(1.2, 1.1, 1.15))
    assert [(m.method, m.phi) for m in members] == [
        ("base", 0.0),
        ("compound", 1.0),
        ("depth", 1.0),
        ("width", 1.0),
        ("resolution", 1.0),
    ]
    base = count(SETTING.base).macs
    assert all(m.growth == m.cost.macs / base for m in members)


def test_the_base_is_compared_even_when_no_phi_asks_for_it() -> None:
    study = replace(TINY, compare=replace(TINY.compare, phis=(2.0,)))
    members = Experiment(study, INFO).members(Coefficients(1.2, 1.1, 1.15))
    assert members[0].method == "base"


def test_only_the_comparison_reads_the_test_split() -> None:
    assert not SETTING.network_job(SETTING.base, 2, 0).reads_test
    assert SETTING.compare_job(SETTING.base, 0).reads_test


def test_the_comparison_trains_from_seeds_that_the_search_has_not_seen() -> None:
    trainings = SETTING.trainings(SETTING.members(CONSTANTS), lambda job: None)
    assert {job.seed for job in trainings.first()} == {1000, 1001}


def test_every_rival_of_a_comparison_is_a_method_of_its_own() -> None:
    rivals = ("paper", "fast", NamedConstants("mine", 1.1, 1.2, 1.1))
    study = replace(TINY, compare=replace(TINY.compare, rivals=rivals))
    members = Experiment(study, INFO).members(CONSTANTS)
    assert [m.method for m in members] == ["base", "compound", "paper", "fast", "mine"]


def test_what_grows_with_phi_is_the_same_for_every_method_and_in_the_search() -> None:
    grows = Recipe(batch_size=32, by_phi=(AtPhi(0.0, dropout=0.1), AtPhi(2.0, dropout=0.5)))
    experiment = Experiment(replace(TINY, recipe=grows), INFO)
    trainings = experiment.trainings(experiment.members(CONSTANTS), lambda job: None)
    dropouts = {
        (member.method, job.recipe.dropout)
        for member in trainings.members
        for job in trainings.compared(member)
    }
    methods = ("compound", "depth", "width", "resolution")
    assert dropouts == {("base", 0.1), *((method, 0.3) for method in methods)}
    search = experiment.search(lambda job: None)
    assert {job.recipe.dropout for job in search.state().missing} == {0.3}
    assert experiment.network_job(experiment.base, 2, 0, phi=2.0).recipe.dropout == 0.5


def test_each_seed_may_draw_a_validation_split_of_its_own_in_the_comparison_alone() -> None:
    vary = Experiment(replace(TINY, compare=replace(TINY.compare, vary_split=True)), INFO)
    jobs = [vary.compare_job(vary.base, seed) for seed in (1000, 1001)]
    assert [job.data.validation_seed for job in jobs] == [1000, 1001]
    assert len({job.data.split_seed for job in jobs}) == 1
    assert SETTING.compare_job(SETTING.base, 1000).data.validation_seed is None
    assert vary.network_job(vary.base, 2, 0) == SETTING.network_job(SETTING.base, 2, 0)


def test_once_the_rate_is_the_job_without_a_check_of_rates() -> None:
    compare = replace(TINY.compare, check_rates=(0.5, 1.0, 2.0))
    checked = Experiment(replace(TINY, compare=compare), INFO)
    plain, all_rates = (
        {job.hash for job in s.trainings(s.members(CONSTANTS), lambda job: None).first()}
        for s in (SETTING, checked)
    )
    assert plain < all_rates
    assert len(all_rates) == 3 * len(plain)
    assert compared(checked).jobs == 3 * compared(SETTING).jobs


def compared(experiment: Experiment) -> RemainingWork:
    """What the comparison is expected to take before anything is trained."""
    planned = ComparisonPhase().planned(RunState(experiment, lambda job: None))
    return work_in(portion for phase in planned for portion in phase.left)


def played() -> tuple[list[tuple[SearchState, RemainingWork]], int]:
    """Each step of a search with the outlook after it, and how many trainings there were."""
    results: dict[str, Result] = {}

    def find(job: TrainJob) -> Result | None:
        return results.get(job.hash)

    seen, trained = [], 0
    search = SETTING.search(find)
    while not (step := search.state()).done:
        seen.append((step, work_in(search_to_come(SETTING, search, step))))
        trained += len(step.missing)
        for job in step.missing:
            results[job.hash] = finished(0.5)
    return seen, trained


def test_what_is_missing_and_what_comes_later_add_up_to_the_whole_search() -> None:
    seen, trained = played()
    done = 0
    for step, later in seen:
        assert done + len(step.missing) + later.jobs == trained
        done += len(step.missing)


@pytest.mark.parametrize(("spent", "left"), [(0.0, 7), (2.5, 5), (7.9, 0), (9.0, 0)])
def test_an_adaptive_search_has_left_what_it_has_not_spent(spent: float, left: int) -> None:
    plan = SearchPlan("gp", seeds="adaptive", until=Until(trainings=8.0), rungs=(Rung(2),))
    experiment = Experiment(replace(TINY, search=plan), INFO)
    search = experiment.search(lambda job: None)
    (following,) = search.state().missing
    later = work_in(search_to_come(experiment, search, SearchState(((),), (following,), spent)))
    assert later.jobs == left  # beside the one that is missing


def test_what_the_comparison_is_expected_to_take_is_what_a_middle_candidates_would() -> None:
    work = compared(SETTING)
    assert work.jobs == 8  # a base and three grown networks (a fourth is another's), two seeds
    epochs = 160 * 2 * 2
    growth = work.mac_images / (count(SETTING.base).macs * epochs)
    assert growth == pytest.approx(1 + 3 * 2.0, rel=0.2)


def test_the_work_of_jobs_is_macs_times_images_times_epochs() -> None:
    job = SETTING.compare_job(SETTING.base, 0)
    assert work_of([job, job]) == RemainingWork(2, 2 * count(SETTING.base).macs * 160 * 2)
