"""Where in a user's file a mistake stands."""

from __future__ import annotations

import pytest

from scaling_search.core.errors import UserError
from scaling_search.core.toml_config import Location, line_number
from scaling_search.experiment.study_file import from_toml

TEXT = """name = "mine"        # 1

[budget]
growth = 2.0
[compare.constants]
alpha = 1.2
# [[stages]] in a comment
[[stages]]
channels = 8
[[stages]]
channels = 16
repeats = 2
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("name",), 1),
        (("budget",), 3),
        (("budget", "growth"), 4),
        (("budget", "tolerance"), 3),
        (("compare", "constants", "alpha"), 6),
        (("stages", 0, "channels"), 9),
        (("stages", 1), 10),
        (("stages", 1, "repeats"), 12),
        (("stages", 1, "stride"), 10),
        (("nothing",), None),
        ((), None),
    ],
)
def test_a_value_stands_on_its_line_and_a_missing_one_in_its_table(
    location: Location, line: int | None
) -> None:
    assert line_number(TEXT, location) == line


def test_a_studys_mistake_is_said_with_its_line() -> None:
    text = 'name = "x"\n[budget]\ngrowth = 2.0\ntolerance = "wide"\n'
    with pytest.raises(UserError, match=r"mine\.toml, line 4: budget\.tolerance: .*got 'wide'"):
        from_toml(text, "mine.toml")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[search]\ntrials = true", "line 3: search.trials"),
        ("[recipe]\nlearning_rate = true", "line 3: recipe.learning_rate"),
        ("[data]\nsplit_seed = false", "line 3: data.split_seed"),
        ("[search]\nrungs = [{epochs = 1, seeds = true}]", "line 3: search.rungs.0.seeds"),
    ],
)
def test_true_and_false_are_no_numbers(text: str, place: str) -> None:
    with pytest.raises(UserError, match=f"{place}: a number is neither true nor false"):
        from_toml(f'name = "x"\n{text}\n', "mine.toml")
