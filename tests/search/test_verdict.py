"""Who is best by all trainings of a search, and who could be."""

from __future__ import annotations

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Result
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.verdict import CERTAINTY, Verdict, verdict
from tests.search.test_halving import POOL, World, by_side
from tests.trainings import finished

PLAN = SearchPlan("grid", rungs=(Rung(2, 1, keep=0.3), Rung(5, 3)))


def judged(world: World, plan: SearchPlan = PLAN) -> Verdict:
    world.search(plan)
    found = verdict(world.of(plan))
    assert found is not None
    return found


def noisy(job: TrainJob) -> Result:
    """Every candidate alike: only a hash decides."""
    return finished(0.5 + int(job.hash[:4], 16) / 65536 / 10)


def test_the_ties_hold_the_best_with_the_probability_that_is_promised() -> None:
    found = judged(World(noisy))
    assert sum(found.chances[name] for name in found.ties) >= CERTAINTY
    assert sum(found.chances[name] for name in found.ties[:-1]) < CERTAINTY


def test_a_candidate_that_was_dropped_early_may_still_tie() -> None:
    world = World(noisy)
    step = world.search(PLAN)
    finalists = {POOL[index].name for index in step.rungs[-1]}
    assert set(judged(world).ties) - finalists


def test_a_candidate_never_tried_is_judged_by_its_neighbours() -> None:
    plan = SearchPlan("random", trials=6, rungs=(Rung(5, 3),))
    assert len(judged(World(by_side), plan).chances) == len(POOL)


def test_the_winner_was_trained_in_full() -> None:
    world = World(noisy)
    step = world.search(PLAN)
    assert judged(world).ties[0] in {POOL[index].name for index in step.rungs[-1]}


def test_a_candidate_that_failed_is_out() -> None:
    finest = max(c.architecture.resolution_px for c in POOL)

    def finest_diverges(job: TrainJob) -> Result:
        return Diverged("nan") if job.architecture.resolution_px == finest else by_side(job)

    out = {c.name for c in POOL if c.architecture.resolution_px == finest}
    assert out.isdisjoint(judged(World(finest_diverges)).chances)


def test_there_is_no_verdict_when_every_finalist_failed() -> None:
    world = World(lambda _: Diverged("nan"))
    world.search(PLAN)
    assert verdict(world.of(PLAN)) is None
