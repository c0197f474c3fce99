"""What a search concludes from known results: the point, its interval, the ties."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import scale
from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Finished, Result
from scaling_search.search.candidates import candidates
from scaling_search.search.constants import Constants, conclude, steadiest
from scaling_search.search.frame import search_frame
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.space import Budget
from tests.search.test_halving import POOL, World, by_side
from tests.trainings import finished

MICRO = zoo.get("micro")
BUDGET = Budget(tolerance=0.2)
PLAN = SearchPlan("grid", rungs=(Rung(2, 1, keep=0.5), Rung(5, 3)))


def concluded(world: World) -> Constants:
    world.search(PLAN)
    return conclude(MICRO, BUDGET, world.of(PLAN))


def noisy(job: TrainJob) -> Finished:
    """Every candidate alike: only the seed and a hash decide."""
    return finished(0.5 + int(job.hash[:4], 16) / 65536 / 10)


def test_a_clear_winner_stands_alone_with_its_own_interval() -> None:
    finest = max(POOL, key=lambda c: (c.architecture.resolution_px, -POOL.index(c)))

    def clear(job: TrainJob) -> Result:
        better = job.architecture == finest.architecture
        return finished((0.9 if better else 0.5) + job.seed / 1000)

    constants = concluded(World(clear))
    assert constants.ties == (finest.name,)
    assert constants.p_best == 1.0
    assert (constants.alpha, constants.beta, constants.gamma) == (
        finest.alpha,
        finest.beta,
        finest.gamma,
    )
    assert (constants.candidates, constants.trained) == (len(POOL), len(POOL))
    assert constants.seeds == 3


def test_candidates_that_differ_by_noise_alone_tie() -> None:
    constants = concluded(World(noisy))
    assert len(constants.ties) > constants.finalists / 2
    assert constants.p_best < 0.9


def test_the_point_lies_in_the_winners_box_and_makes_the_winner() -> None:
    b0 = zoo.get("efficientnet-b0")
    for winner in candidates(b0, Budget()):
        point = steadiest(b0, Budget(), winner)
        for value, (low, high) in (
            (point.alpha, winner.alpha),
            (point.beta, winner.beta),
            (point.gamma, winner.gamma),
        ):
            assert low <= value <= high
        assert scale(b0, point.at(1)) == winner.architecture


def test_a_nominal_point_keeps_the_nominal_constraint() -> None:
    b0, budget = zoo.get("efficientnet-b0"), Budget(tolerance=0.1, constraint="nominal")
    for winner in candidates(b0, budget)[::8]:
        assert abs(steadiest(b0, budget, winner).nominal_growth - 2) <= 0.1


def test_a_search_in_which_everything_fails_says_so() -> None:
    with pytest.raises(UserError, match="a search needs one finalist"):
        concluded(World(lambda _: Diverged("nan")))


def test_the_table_has_a_row_a_candidate_at_the_rung_it_reached() -> None:
    world = World(by_side)
    step = world.search(PLAN)
    constants = conclude(MICRO, BUDGET, world.of(PLAN))
    frame = search_frame(world.of(PLAN), constants)
    assert len(frame) == len(POOL)
    assert (frame["rung"] == 1).sum() == len(step.rungs[1])
    assert set(frame.loc[frame["rung"] == 1, "n"]) == {3}
    assert frame["best"].sum() == 1
    assert frame["tie"].sum() == len(constants.ties)
    assert frame.loc[frame["best"], "network"].item() == constants.ties[0]


def test_the_table_names_the_reason_of_a_failure() -> None:
    coarsest = min(c.architecture.resolution_px for c in POOL)

    def coarsest_diverges(job: TrainJob) -> Result:
        return Diverged("nan") if job.architecture.resolution_px == coarsest else by_side(job)

    world = World(coarsest_diverges)
    world.search(PLAN)
    constants = conclude(MICRO, BUDGET, world.of(PLAN))
    frame = search_frame(world.of(PLAN), constants)
    assert set(frame.loc[frame["px"] == coarsest, "status"]) == {"diverged"}
    assert set(frame.loc[frame["px"] != coarsest, "status"]) == {"finished"}
