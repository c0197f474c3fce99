"""The table of the comparison: one row a network."""

from __future__ import annotations

import math

import pandas as pd

from scaling_search.compare.methods import in_order
from scaling_search.compare.networks import Networks, finished
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    interval_cell,
    number_cell,
    scaled_cell,
    shown_text,
)


def comparison_table(runs: pd.DataFrame) -> Table:
    """One row a network of the comparison, the base first, failed trainings counted by reason.

    Intervals are each network's own, with the scatter of all.
    """
    order = {method: rank for rank, method in enumerate(in_order(runs["method"]))}
    networks = Networks.of(runs)
    groups = runs.groupby(["phi", "method"], sort=False) if len(runs) else ()
    rows = sorted(
        (_network_row(networks, group) for _, group in groups),
        key=lambda row: (row["phi"] != 0, row["phi"], order[str(row["method"])]),
    )
    numbers = pd.DataFrame(rows, columns=list(_NETWORK_COLUMNS))
    unknown = [
        f"{balanced}_percent"
        for balanced in _BALANCED
        if numbers[f"{balanced}_percent"].isna().all()
    ]
    numbers = numbers.drop(columns=unknown)  # of results before classes were counted
    return Table("comparison", numbers, shown_text(numbers, _comparison_cells(numbers)))


_NETWORK_COLUMNS = (
    *("method", "phi", "network", "depth", "width", "resolution", "px"),
    *("macs", "params", "activations", "growth_target", "growth", "left_over_percent", "n"),
    *("depth_share", "width_share", "resolution_share", "rate"),
    *("test_top1_percent", "test_low_percent", "test_high_percent", "validation_top1_percent"),
    *("test_balanced_percent", "validation_balanced_percent", "not_finished"),
)


def _network_row(networks: Networks, group: pd.DataFrame) -> dict[str, object]:
    first, done = group.iloc[0], finished(group)
    test = networks.interval((str(first["method"]), float(first["phi"])))
    columns = ["method", "phi", "network", "depth", "width", "resolution", "px"]
    columns += ["macs", "params", "activations", "growth_target", "growth"]
    columns += ["depth_share", "width_share", "resolution_share", "rate"]
    return {
        **{column: first[column] for column in columns},
        "left_over_percent": 100 * (first["growth"] / first["growth_target"] - 1),
        "n": test.n,
        "test_top1_percent": test.mean,
        "test_low_percent": test.low,
        "test_high_percent": test.high,
        "validation_top1_percent": 100 * done["validation_top1"].astype(float).mean(),
        **{f"{balanced}_percent": _percent(done, balanced) for balanced in _BALANCED},
        "not_finished": failure_counts(group),
    }


_BALANCED = ("test_balanced", "validation_balanced")


def _percent(done: pd.DataFrame, column: str) -> float:
    """The mean in percent of a column of fractions; nan where an older version had none."""
    return 100 * done[column].astype(float).mean() if column in done else math.nan


def failure_counts(runs: pd.DataFrame) -> str:
    """Count the trainings that did not finish, by reason: "2 diverged, 1 timed-out".

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.report.comparison_table import failure_counts
        >>> statuses = ["finished", "diverged", "diverged", "timed-out"]
        >>> failure_counts(pd.DataFrame({"status": statuses}))
        '2 diverged, 1 timed-out'
    """
    failed = runs.loc[runs["status"] != "finished", "status"].value_counts(sort=False)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(failed.items(), key=str))


def _comparison_cells(numbers: pd.DataFrame) -> Cells:
    return {
        "method": lambda row: str(row["method"]),
        "φ": number_cell("phi", "g"),
        "depth ×": number_cell("depth", ".2f"),
        "width ×": number_cell("width", ".2f"),
        "resolution ×": number_cell("resolution", ".2f"),
        "side (px)": number_cell("px", "d"),
        **scaled_cell(numbers, "macs", "MACs"),
        **scaled_cell(numbers, "params", "params"),
        **scaled_cell(numbers, "activations", "activations"),
        "growth asked ×": number_cell("growth_target", ".2f"),
        "real growth ×": number_cell("growth", ".2f"),
        "left over (%)": number_cell("left_over_percent", "+.1f"),
        **_rate_cells(numbers),
        "n": number_cell("n", "d"),
        "test top-1 (%) [95\u00a0%]": interval_cell(
            ("test_top1_percent", "test_low_percent", "test_high_percent")
        ),
        "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
        **_balanced_cells(numbers),
        "not finished": lambda row: str(row["not_finished"]) or DASH,
    }


def _balanced_cells(numbers: pd.DataFrame) -> Cells:
    """Balanced accuracy, where classes of unequal size make it another number than top-1."""
    splits = [split for split in ("test", "validation") if f"{split}_balanced_percent" in numbers]
    unequal = any(
        (numbers[f"{split}_balanced_percent"] - numbers[f"{split}_top1_percent"]).abs().max() > 1e-6
        for split in splits
    )
    splits_shown = splits if unequal else []
    return {f"{s} balanced (%)": number_cell(f"{s}_balanced_percent", ".2f") for s in splits_shown}


def _rate_cells(numbers: pd.DataFrame) -> Cells:
    """The rate that a network is compared at, where they differ."""
    return {"rate ×": number_cell("rate", "g")} if numbers["rate"].nunique() > 1 else {}
