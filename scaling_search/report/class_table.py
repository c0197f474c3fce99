"""Accuracy class by class: of each network of a comparison, and of a training by itself."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd

from scaling_search.compare.methods import in_order
from scaling_search.report.cells import DASH, Table

MOST_SHOWN = 30
WORST_SHOWN = 10
TABLED_SPLITS = ("test", "validation")
NETWORK_KEYS = ("class", "method", "phi", "network")
TRAINING_KEYS = ("method", "phi", "network", "seed")


def classes_table(classes: pd.DataFrame) -> Table:
    """One row a class and network as numbers, over all seeds; shown is a column a network.

    `classes` is `frames.classes_frame`. Shown are test images, or validation images where the test
    split was not read; the mean over the classes is the last row. Of more than 30 classes the ten
    are shown on which the networks do worst.
    """
    numbers = class_numbers(classes)
    if not len(numbers):
        return Table("classes", numbers, pd.DataFrame(columns=["class"]))
    wide = _wide(numbers)
    chosen = wide.loc[shown_classes(wide.mean(axis=1))]
    images = numbers.drop_duplicates("class").set_index("class")[f"{split_of(numbers)}_images"]
    shown = pd.DataFrame({"class": [str(name) for name in chosen.index]})
    shown[f"{split_of(numbers)} images"] = [f"{images[name]:,.0f}" for name in chosen.index]
    for head in wide:
        shown[str(head)] = [_cell(value) for value in chosen[head]]
    mean = ["mean of all classes", DASH, *map(_cell, wide.mean())]
    shown.loc[len(shown)] = mean
    return Table("classes", numbers, shown)


def classes_sentence(classes: pd.DataFrame, trainings: int) -> str:
    """What the table shows, of how many classes, and of which of the finished `trainings`."""
    numbers = class_numbers(classes)
    count = numbers["class"].nunique()
    rule = f"Of each class, the percentage of its {split_of(numbers)} images that are right"
    if count > MOST_SHOWN:
        rule += f"; shown are the {WORST_SHOWN} of {count} classes that do worst"
    counted = len(classes.drop_duplicates(list(TRAINING_KEYS)))
    if counted < trainings:
        rule += f", over the {counted:,} of {trainings:,} trainings that counted them"
    return f"{rule}; its last row is the balanced accuracy."


def split_of(numbers: pd.DataFrame) -> str:
    """The split that is shown: test where it was read."""
    return "test" if numbers["test_images"].notna().any() else "validation"


def shown_classes(accuracy: pd.Series[float]) -> list[Hashable]:
    """Which classes are shown, by their accuracy: all of 30 as they come, else the worst ten.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.report.class_table import shown_classes
        >>> len(shown_classes(pd.Series(range(10)))), len(shown_classes(pd.Series(range(100))))
        (10, 10)
    """
    if len(accuracy) <= MOST_SHOWN:
        return list(accuracy.index)
    return list(accuracy.sort_values(kind="stable").index[:WORST_SHOWN])


def class_numbers(classes: pd.DataFrame, by: Sequence[str] = NETWORK_KEYS) -> pd.DataFrame:
    """One row a class, of each network: images a training, and percent right over all trainings.

    `classes` has the columns of `frames.classes_frame`, what `by` leaves out excepted.
    """
    keys = list(by)
    heads = [
        *keys,
        "n",
        *(f"{split}_{of}" for split in TABLED_SPLITS for of in ("images", "percent")),
    ]
    if not len(classes):
        return pd.DataFrame(columns=heads)
    groups = classes.groupby(keys, sort=False)
    numbers = groups.agg(n=("seed", "size"), **_sums()).reset_index()
    for split in TABLED_SPLITS:
        images, right = (numbers.pop(f"{split}_{of}_sum") for of in ("images", "right"))
        numbers[f"{split}_percent"] = 100 * right / images.where(images > 0)
        numbers[f"{split}_images"] = images / numbers["n"]
    return numbers[heads]


def _sums() -> dict[str, tuple[str, object]]:
    """Sums over seeds; nan where nothing was counted."""
    return {
        f"{split}_{of}_sum": (f"{split}_{of}", lambda values: values.sum(min_count=1))
        for split in TABLED_SPLITS
        for of in ("images", "right")
    }


def _wide(numbers: pd.DataFrame) -> pd.DataFrame:
    """A row a class as they come, a column a network: the base first, then by φ and method."""
    order = {method: rank for rank, method in enumerate(in_order(numbers["method"]))}
    pairs = numbers[["method", "phi"]].drop_duplicates().itertuples(index=False, name=None)
    ordered: Sequence[tuple[str, float]] = sorted(
        pairs, key=lambda pair: (pair[1] != 0, pair[1], order[pair[0]])
    )
    value = f"{split_of(numbers)}_percent"
    columns = {
        method if phi == 0 else f"{method} φ={phi:g}": numbers[
            (numbers["method"] == method) & (numbers["phi"] == phi)
        ].set_index("class")[value]
        for method, phi in ordered
    }
    return pd.DataFrame(columns).loc[numbers["class"].unique()]


def _cell(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:.1f}"
