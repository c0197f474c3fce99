"""What of a recipe grows with φ: interpolated, constant beyond the ends, resolved before a job."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.core.hashing import digest
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import job_for
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipe_growth import AtPhi, values_at
from scaling_search.training.recipes import PAPER, PAPER_FROM_B0, expanded_recipe, recipe_named

ROWS = (
    AtPhi(0.0, dropout=0.2, drop_path=0.0, augment="shift"),
    AtPhi(2.0, weight_decay=1e-4, augment="shift-flip"),
    AtPhi(7.0, dropout=0.5, weight_decay=6e-4),
)


@pytest.mark.parametrize(
    ("phi", "dropout"), [(-3, 0.2), (0, 0.2), (3.5, 0.35), (7, 0.5), (9, 0.5), (1, 0.242857142857)]
)
def test_a_number_is_on_the_line_between_the_rows_that_give_it(phi: float, dropout: float) -> None:
    assert values_at(ROWS, phi)["dropout"] == dropout


def test_a_row_that_says_nothing_of_a_number_is_no_end_of_its_line() -> None:
    assert values_at(ROWS, 2.0)["dropout"] == pytest.approx(0.2 + 0.3 * 2 / 7)
    assert values_at(ROWS, 1.0)["weight_decay"] == 1e-4
    assert values_at(ROWS, 4.5)["weight_decay"] == pytest.approx(3.5e-4)
    assert values_at(ROWS, 4.5)["drop_path"] == 0.0


@pytest.mark.parametrize(
    ("phi", "augment"), [(-1, "shift"), (1.9, "shift"), (2, "shift-flip"), (8, "shift-flip")]
)
def test_a_policy_is_that_of_the_nearest_row_at_or_below(phi: float, augment: str) -> None:
    assert values_at(ROWS, phi)["augment"] == augment


def test_the_recipe_of_a_phi_is_a_plain_one() -> None:
    grown = Recipe(label_smoothing=0.2, by_phi=ROWS).at_phi(7.0)
    plain = Recipe(
        label_smoothing=0.2, dropout=0.5, drop_path=0.0, weight_decay=6e-4, augment="shift-flip"
    )
    assert grown == plain
    assert digest(grown) == digest(plain)
    assert Recipe().at_phi(3.0) == Recipe()


def test_what_grows_never_enters_a_job() -> None:
    info = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)
    data, network = (DataRequest(), info), zoo.get("micro")
    with pytest.raises(UserError, match="a training has the recipe of one φ"):
        job_for(network, data, Recipe(by_phi=ROWS), epochs=1, seed=0)
    jobs = (
        job_for(network, data, recipe, epochs=1, seed=0)
        for recipe in (Recipe(by_phi=(AtPhi(1.0, dropout=0.3),)).at_phi(2.0), Recipe(dropout=0.3))
    )
    assert len({job.hash for job in jobs}) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((AtPhi(1.0, dropout=0.1), AtPhi(0.0, dropout=0.1)), r"rise in φ, got \[1.0, 0.0\]"),
        ((AtPhi(1.0, dropout=0.1), AtPhi(1.0, dropout=0.2)), "rise in φ"),
        ((AtPhi(1.0, dropout=1.0),), r"dropout must lie in \[0, 1\), got 1.0"),
        ((AtPhi(1.0, weight_decay=-1.0),), "weight_decay must be 0 or more"),
        ((AtPhi(1.0, augment="flip"),), "augment must be one of"),  # type: ignore[arg-type]  # no such policy
    ],
)
def test_a_wrong_row_is_refused(rows: tuple[AtPhi, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Recipe(by_phi=rows)


def test_a_row_that_says_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="a row of by_phi gives at least one of drop_path, drop"):
        AtPhi(1.0)
    with pytest.raises(UserError, match="must be finite"):
        AtPhi(float("nan"), dropout=0.1)


def test_grown_from_b0_the_papers_recipe_gives_each_network_the_official_dropout() -> None:
    for base in ("efficientnet-b0", "efficientnet-b0-small"):
        recipe = recipe_named("paper", base)
        for phi in range(8):
            assert recipe.at_phi(phi).dropout == zoo.get(f"efficientnet-b{phi}").dropout
        assert recipe.at_phi(3.5).dropout == 0.35


@pytest.mark.parametrize("base", [None, "efficientnet-b4", "resnet-50", "micro"])
def test_other_bases_keep_their_own_dropout_under_the_papers_recipe(base: str | None) -> None:
    recipe = recipe_named("paper", base)
    assert recipe == PAPER
    assert recipe.at_phi(2.0).dropout is None


def test_what_is_given_plainly_beside_like_no_longer_grows() -> None:
    given = {"like": "paper", "dropout": 0.1}
    values = expanded_recipe(given, "x", base="efficientnet-b0")
    assert isinstance(values, dict)
    assert (values["dropout"], values["by_phi"]) == (0.1, ())
    other = expanded_recipe({"like": "paper", "drop_path": 0.1}, "x", base="efficientnet-b0")
    assert isinstance(other, dict)
    assert len(other["by_phi"]) == len(PAPER_FROM_B0.by_phi) == 8
