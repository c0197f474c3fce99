"""Accuracy class by class, by hand: two networks, two seeds, classes of unequal size."""

from __future__ import annotations

import pandas as pd
import pytest

from scaling_search.report.class_table import classes_sentence, classes_table


def frame(right: dict[str, tuple[int, ...]], images: int = 10) -> pd.DataFrame:
    """A base and a compound network, a training a number of right test images."""
    rows = [
        {
            **{"class": name, "method": method, "phi": phi, "network": method, "seed": seed},
            **{"validation_images": 4, "validation_right": 2},
            **{"test_images": images, "test_right": count},
        }
        for name, counts in right.items()
        for (method, phi), count, seed in zip(KEYS, counts, (0, 1, 0), strict=True)
    ]
    return pd.DataFrame(rows)


KEYS = (("base", 0.0), ("base", 0.0), ("compound", 1.0))


def test_a_network_is_a_column_and_its_seeds_are_taken_together() -> None:
    table = classes_table(frame({"zebra": (8, 9, 5), "ant": (1, 2, 10)}))
    assert table.shown.to_dict("list") == {
        "class": ["zebra", "ant", "mean of all classes"],
        "test images": ["10", "10", "–"],
        "base": ["85.0", "15.0", "50.0"],
        "compound φ=1": ["50.0", "100.0", "75.0"],
    }
    first = table.numbers.iloc[0]
    assert (first["n"], first["test_percent"], first["validation_percent"]) == (2, 85.0, 50.0)
    assert first["test_images"] == 10
    assert "percentage of its test images" in classes_sentence(frame({"a": (1, 1, 1)}), trainings=3)


def test_of_many_classes_the_worst_ten_are_shown_and_all_are_written() -> None:
    classes = frame({f"c{n:02d}": (n, n, n) for n in range(31)}, images=40)
    table = classes_table(classes)
    assert list(table.shown["class"][:-1]) == [f"c{n:02d}" for n in range(10)]
    assert table.shown["base"].iloc[-1] == "37.5"  # of all 31: 15 of 40
    assert len(table.numbers) == 62
    assert "the 10 of 31 classes that do worst" in classes_sentence(classes, trainings=3)


def test_trainings_that_counted_no_classes_are_not_passed_over_in_silence() -> None:
    classes = frame({"a": (1, 1, 1), "b": (1, 1, 1)})
    assert "over the 3 of 5 trainings that counted them" in classes_sentence(classes, trainings=5)
    assert "counted" not in classes_sentence(classes, trainings=3)


def test_validation_images_are_shown_where_the_test_split_was_not_read() -> None:
    classes = frame({"a": (1, 1, 1)}).drop(columns=["test_images", "test_right"])
    table = classes_table(classes.reindex(columns=[*classes, "test_images", "test_right"]))
    assert table.shown["base"].tolist() == ["50.0", "50.0"]
    assert "validation images" in table.shown


@pytest.mark.parametrize("ending", ["csv", "markdown"])
def test_no_classes_make_a_table_without_rows(ending: str) -> None:
    assert "class" in getattr(classes_table(pd.DataFrame()), ending)
