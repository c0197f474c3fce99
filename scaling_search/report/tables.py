"""The report's tables: numbers for machines, and the same numbers worded for people."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from scaling_search.compare.gains import EQUIVALENT_POINTS, Row, gains
from scaling_search.compare.methods import in_order, in_words
from scaling_search.compare.networks import Networks, finished
from scaling_search.compare.sentences import alike_in_words
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    as_float,
    interval_cell,
    number_cell,
    p_text,
    scaled_cell,
    shown_text,
)

CHOSEN = "chosen by validation"


def comparison_table(runs: pd.DataFrame) -> Table:
    """One row a network of the comparison, the base first, failed trainings counted by reason.

    Intervals are each network's own, with the scatter of all.
    """
    order = {method: place for place, method in enumerate(in_order(runs["method"]))}
    networks = Networks.of(runs)
    groups = runs.groupby(["phi", "method"], sort=False) if len(runs) else ()
    rows = sorted(
        (_network_row(networks, group) for _, group in groups),
        key=lambda row: (row["phi"] != 0, row["phi"], order[str(row["method"])]),
    )
    numbers = pd.DataFrame(rows, columns=list(_NETWORK_COLUMNS))
    unknown = [f"{each}_percent" for each in _BALANCED if numbers[f"{each}_percent"].isna().all()]
    numbers = numbers.drop(columns=unknown)  # of results before classes were counted
    return Table("comparison", numbers, shown_text(numbers, _comparison_cells(numbers)))


def gains_table(runs: pd.DataFrame) -> Table:
    """One row a φ and rival: what compound scaling gains over it at equal cost."""
    numbers = gains(runs)
    return Table("gains", numbers, shown_text(numbers, _GAIN_CELLS))


def rates_table(tried: pd.DataFrame) -> Table:
    """One row a network and learning rate that was checked (`frames.rates_frame`)."""
    numbers = tried.assign(validation_top1=100 * tried["validation_top1"].astype(float))
    numbers = numbers.rename(columns={"validation_top1": "validation_top1_percent"})
    return Table("rates", numbers, shown_text(numbers, _RATE_CELLS))


def candidates_table(search: pd.DataFrame) -> Table:
    """One row a candidate, the best first, then its ties, then by rung and accuracy."""
    keys = ["best", "tie", "rung", "validation_top1"]
    numbers = search.sort_values(keys, ascending=False, kind="stable") if len(search) else search
    numbers = numbers.reindex(columns=list(_CANDIDATE_COLUMNS)).reset_index(drop=True)
    for fraction, percent in (("validation_top1", "validation_top1_percent"), ("sd", "sd_points")):
        numbers[fraction] = 100 * numbers[fraction].astype(float)
        numbers = numbers.rename(columns={fraction: percent})
    return Table("candidates", numbers, shown_text(numbers, _candidate_cells(numbers)))


def environment_table(environment: Mapping[str, object]) -> Table:
    """One row a fact about the machine and its libraries."""
    facts = [(key, str(value)) for key, value in environment.items()]
    numbers = pd.DataFrame(facts, columns=["what", "value"])
    return Table("environment", numbers, numbers)


_NETWORK_COLUMNS = (
    *("method", "phi", "network", "depth", "width", "resolution", "px"),
    *("macs", "params", "activations", "growth_target", "growth", "left_over_percent", "n"),
    *("depth_share", "width_share", "resolution_share", "rate"),
    *("test_top1_percent", "test_low_percent", "test_high_percent", "validation_top1_percent"),
    *("test_balanced_percent", "validation_balanced_percent", "not_finished"),
)
_CANDIDATE_COLUMNS = (
    *("network", "alpha", "beta", "gamma", "alpha_low", "alpha_high", "beta_low", "beta_high"),
    *("gamma_low", "gamma_high", "depth_repeats", "px", "macs", "growth", "nominal_growth"),
    *("rung", "epochs", "n", "validation_top1", "sd", "p_best", "tie", "best", "status"),
)


def _network_row(networks: Networks, group: pd.DataFrame) -> dict[str, object]:
    first, done = group.iloc[0], finished(group)
    test = networks.interval((str(first["method"]), float(first["phi"])))
    kept = ["method", "phi", "network", "depth", "width", "resolution", "px"]
    kept += ["macs", "params", "activations", "growth_target", "growth"]
    kept += ["depth_share", "width_share", "resolution_share", "rate"]
    return {
        **{column: first[column] for column in kept},
        "left_over_percent": 100 * (first["growth"] / first["growth_target"] - 1),
        "n": test.n,
        "test_top1_percent": test.mean,
        "test_low_percent": test.low,
        "test_high_percent": test.high,
        "validation_top1_percent": 100 * done["validation_top1"].astype(float).mean(),
        **{f"{balanced}_percent": _percent(done, balanced) for balanced in _BALANCED},
        "not_finished": reasons(group),
    }


_BALANCED = ("test_balanced", "validation_balanced")


def _percent(done: pd.DataFrame, column: str) -> float:
    """The mean in percent of a column of fractions; nan where an older version had none."""
    return 100 * done[column].astype(float).mean() if column in done else math.nan


def reasons(runs: pd.DataFrame) -> str:
    """Count the trainings that did not finish, by reason: "2 diverged, 1 timed-out".

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.report.tables import reasons
        >>> reasons(pd.DataFrame({"status": ["finished", "diverged", "diverged", "timed-out"]}))
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
    shown = splits if unequal else []
    return {f"{s} balanced (%)": number_cell(f"{s}_balanced_percent", ".2f") for s in shown}


def _rate_cells(numbers: pd.DataFrame) -> Cells:
    """The rate that a network is compared at, where they differ."""
    return {"rate ×": number_cell("rate", "g")} if numbers["rate"].nunique() > 1 else {}


_GAIN_CELLS: Cells = {
    "φ": number_cell("phi", "g"),
    "growth asked ×": number_cell("growth_target", ".2f"),
    "rival": lambda row: in_words(str(row["rival"])),
    "compound's real growth ×": number_cell("compound_growth", ".2f"),
    "rival's real growth ×": number_cell("rival_growth", ".2f"),
    "n": lambda row: _counts_text(row),
    "as built (points)": number_cell("raw_points", "+.2f"),
    "compound − rival at equal cost (points) [95\u00a0%, all together]": interval_cell(
        ("gain_points", "low_points", "high_points"), spec="+.2f"
    ),
    "p (adjusted)": lambda row: p_text(as_float(row["p_adjusted"])),
    "verdict": lambda row: _verdict_text(row),
    "compound here is": lambda row: alike_in_words(row) or DASH,
}
_RATE_CELLS: Cells = {
    "φ": number_cell("phi", "g"),
    "method": lambda row: str(row["method"]),
    "rate ×": number_cell("rate", "g"),
    "learning rate": number_cell("learning_rate", ".4g"),
    "n": number_cell("n", "d"),
    "failed": number_cell("failed", "d"),
    "validation loss": number_cell("validation_loss", ".4f"),
    "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
    "note": lambda row: CHOSEN if row["chosen"] else DASH,
}


def _candidate_cells(numbers: pd.DataFrame) -> Cells:
    last_rung = float(numbers["rung"].max()) if len(numbers) else 0.0
    return {
        "network": lambda row: str(row["network"]),
        "α (depth)": interval_cell(("alpha", "alpha_low", "alpha_high")),
        "β (width)": interval_cell(("beta", "beta_low", "beta_high")),
        "γ (resolution)": interval_cell(("gamma", "gamma_low", "gamma_high")),
        "repeats": lambda row: str(row["depth_repeats"]),
        "side (px)": number_cell("px", "d"),
        **scaled_cell(numbers, "macs", "MACs"),
        "real growth ×": number_cell("growth", ".2f"),
        "nominal αβ²γ²": number_cell("nominal_growth", ".2f"),
        "rung": lambda row: f"{as_float(row['rung']) + 1:.0f}",
        "epochs": number_cell("epochs", "g"),
        "n": number_cell("n", "d"),
        "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
        "sd (points)": number_cell("sd_points", ".2f"),
        "P(best)": number_cell("p_best", ".2f"),
        "note": lambda row: _candidate_note(row, last_rung),
    }


def _candidate_note(row: Row, last_rung: float) -> str:
    """A score by which a network was chosen is flattering: it won by its luck too."""
    if row["status"] != "finished":
        return str(row["status"])
    standing = "best" if row["best"] else "tie with the best" if row["tie"] else ""
    chosen = CHOSEN if row["best"] or as_float(row["rung"]) == last_rung > 0 else ""
    return ", ".join(filter(None, (standing, chosen))) or DASH


def _counts_text(row: Row) -> str:
    counts = {as_float(row["n_compound"]): None, as_float(row["n_rival"]): None}
    return " / ".join(f"{n:.0f}" for n in counts)


def _verdict_text(row: Row) -> str:
    verdict = str(row["verdict"])
    less = f"less than {EQUIVALENT_POINTS:g} points"
    if verdict in ("better", "worse"):
        return f"compound is {verdict}" + (f", by {less}" if row["equivalent"] else "")
    return f"equal: {less} apart" if row["equivalent"] else verdict
