"""What the committed runs and tables show of the claim that networks should grow compound.

    python benchmarks/findings.py       # writes results/findings.md, gains.md and findings.svg

Every number comes from the ledgers and tables in results/; run `scaling-search report` on a run
and results/tabular/curves.py on a table first, where they have changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tabulate import tabulate

from scaling_search.arch import zoo
from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import scale
from scaling_search.core.atomic_files import write_atomically
from scaling_search.cost.analytic import count
from scaling_search.experiment.outcome import read_experiment
from scaling_search.report.figure_style import picture
from scaling_search.report.search_landscape import triangle, triangle_positions
from scaling_search.search import curve_table
from scaling_search.search.candidates import candidates
from scaling_search.search.measurement import rows_of
from scaling_search.search.posterior import Posterior, posterior
from scaling_search.search.space import Budget

RESULTS = Path(__file__).resolve().parent.parent / "results"
RUNS = ("cifar10", "fashion-mnist", "tiny-imagenet-20")
COMPOUND = 0.1  # of the growth at least on each axis: then a network has grown compound
RIVALS = ("depth", "width", "resolution", "paper")
SAME_NETWORK = "same network"  # the verdict where compound scaling makes the rival's own network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """What all trainings of a table say of its networks trained in full."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def known(self) -> Posterior:
        """The networks' accuracies in points."""
        experiment = read_experiment(self.folder)
        search = experiment.search(
            curve_table.find(curve_table.read_curves(self.folder / "curves.csv"))
        )
        return posterior(self.shares, rows_of(search.groups()), 0)

    @cached_property
    def shares(self) -> Floats:
        """How each network shares its growth: networks × 3."""
        return np.array([candidate.shares for candidate in read_experiment(self.folder).pool])

    @property
    def compound(self) -> NDArray[np.bool_]:
        """Which networks put at least a tenth of the growth on each axis."""
        return np.asarray(self.shares.min(axis=1) >= COMPOUND)

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which networks put at least nine tenths of the growth on one axis."""
        return np.asarray(self.shares.max(axis=1) >= 1 - COMPOUND)

    def row(self) -> dict[str, str]:
        """How compound the best network is."""
        draws = self.known.draws
        best = self.shares[draws.argmax(axis=1)]
        gain = draws[:, self.compound].max(axis=1) - draws[:, self.single].max(axis=1)
        low, high = np.quantile(gain, [0.025, 0.975])
        p_compound = self.known.p_best[self.compound].sum()
        return {
            "table": self.name,
            "networks (compound)": f"{len(self.shares)} ({self.compound.sum()})",
            "P(the best is compound)": f"{p_compound:.2f}",
            "best compound − best single axis (points) [95 %]": (
                f"{gain.mean():+.2f} [{low:+.2f}, {high:+.2f}]"
            ),
            **{
                f"{axis} share of the best": f"{best[:, column].mean():.2f}"
                for column, axis in enumerate(("depth", "width", "resolution"))
            },
        }


def gains() -> pd.DataFrame:
    """The gains of every committed run, a row a run, φ and rival."""
    frames = [
        pd.read_csv(RESULTS / name / "tables" / "gains.csv").assign(images=name)
        for name in RUNS
        if (RESULTS / name / "tables" / "gains.csv").exists()
    ]
    return pd.concat(frames, ignore_index=True)


def gains_table(frame: pd.DataFrame) -> str:
    """One row a run and φ: compound scaling's gain over each rival at equal cost, in points."""
    rows = []
    for (images, _phi), found in frame.groupby(["images", "phi"], sort=False):
        by_rival = {str(row["rival"]): row for row in found.to_dict("records")}
        first = found.iloc[0]
        rows.append(
            {
                "images": str(images),
                "cost ×": f"{first['growth_target']:g}",
                "compound (test top-1, %)": f"{first['compound_percent']:.1f}",
                **{f"− {rival}": _gain(by_rival[rival]) for rival in RIVALS},
            }
        )
    return f"{_markdown(rows)}\n{_shown(frame)}\n"


def _shown(frame: pd.DataFrame) -> str:
    """In how many comparisons a difference is shown, and against whom."""
    listed = {
        verdict: [
            f"{row['rival']} at {row['growth_target']:g} × on {row['images']}"
            for row in frame[frame["verdict"] == verdict].to_dict("records")
        ]
        for verdict in ("better", "worse")
    }
    better, worse = (len(each) for each in listed.values())
    compared = int((frame["verdict"] != SAME_NETWORK).sum())
    against = f" ({', '.join(listed['worse'])})" if worse else ""
    return (
        f"Of {compared} comparisons, compound scaling is shown to be better in {better} and "
        f"worse in {worse}{against}; in the others no difference was found."
    )


def _gain(row: Mapping[Hashable, Any]) -> str:
    if row["verdict"] == SAME_NETWORK:
        return str(row["verdict"])
    mark = {"better": " ▲", "worse": " ▼"}.get(str(row["verdict"]), "")
    points, low, high = row["gain_points"], row["low_points"], row["high_points"]
    return f"{points:+.1f} [{low:+.1f}, {high:+.1f}]{mark}"


def constants_table() -> str:
    """The constants of each run's search, the intervals that give the network, its chance."""
    rows = []
    for name in RUNS:
        path = RESULTS / name / "tables" / "candidates.csv"
        if path.exists():
            frame = pd.read_csv(path)
            best = frame[frame["best"].astype(bool)].iloc[0]
            tied = frame[frame["tie"].astype(bool)]
            rows.append(
                {
                    "images": name,
                    **{
                        letter: f"{best[axis]:.2f} [{best[f'{axis}_low']:.2f}, "
                        f"{best[f'{axis}_high']:.2f}]"
                        for letter, axis in (("α", "alpha"), ("β", "beta"), ("γ", "gamma"))
                    },
                    "P(best)": f"{best['p_best']:.2f}",
                    "tried, and can't be told from it": str(len(tied) - 1),
                }
            )
    return _markdown(rows)


def initialisation() -> str:
    """Test top-1 of depth grown alone, by how residual branches begin; empty without such runs."""
    rows = []
    for name, words in (
        ("cifar10", "zero (the default)"),
        ("initialisation-one", "one"),
        ("initialisation-scaled", "one, branches scaled by 1/√depth"),
    ):
        path = RESULTS / name / "tables" / "comparison.csv"
        if path.exists():
            frame = pd.read_csv(path)
            shown = frame[frame["method"].isin(["base", "depth"])].sort_values("phi")
            cells = {f"{2 ** round(r['phi'])} × the cost": _level(r) for _, r in shown.iterrows()}
            rows.append({"residual branches begin at": words, **cells})
    if len(rows) < 2:
        return ""
    return f"""## How much of "depth is useless" was the initialisation?

Depth alone on the CIFAR-10 setting, test top-1 in percent. Earlier versions of this project began
each residual branch at full strength and found α = 1 everywhere.

{_markdown(rows)}
"""


def _level(row: pd.Series) -> str:
    middle, low, high = (row[f"test_{name}_percent"] for name in ("top1", "low", "high"))
    return f"{middle:.1f} [{low:.1f}, {high:.1f}]"


def nominal_sentence() -> str:
    """How far the nominal constraint is from the cost, on B0 and the paper's grid."""
    base = zoo.get("efficientnet-b0")
    paper = PAPER_CONSTANTS
    real = count(scale(base, paper.at(1.0))).macs / count(base).macs
    grid = candidates(base, Budget(tolerance=0.1, constraint="nominal"))
    growths = [candidate.growth for candidate in grid]
    return (
        f"The paper's constants multiply B0's cost by {paper.nominal_growth:.2f} on paper and by "
        f"{real:.2f} in truth; over all {len(grid)} networks of the paper's grid the real growth "
        f"runs from {min(growths):.2f} to {max(growths):.2f}."
    )


def proxies() -> str:
    """What short trainings and other growths are worth, as a list of sentences."""
    frame = pd.read_csv(RESULTS / "tabular" / "fidelity.csv")
    asked = frame[frame["kind"].isin(["length", "growth"])]
    return "\n".join(f"- {verdict}" for verdict in asked["verdict"])


def serves_at_two() -> str:
    """What a search at φ = 1 alone regrets at φ = 2 beside one that trains there too."""
    rows = pd.read_csv(RESULTS / "tabular" / "search_phi.csv")
    lines = []
    for name, found in rows.groupby("table", sort=False):
        cheapest, dearest = found["budget"].min(), found["budget"].max()
        lines += [_at_budget(str(name), found[found["budget"] == b]) for b in (cheapest, dearest)]
    return "".join(f"- {line}\n" for line in lines)


def _at_budget(name: str, rows: pd.DataFrame) -> str:
    regret = {
        row["search"]: f"{row['regret']:.2f} ± {1.96 * row['error']:.2f}"
        for row in rows.to_dict("records")
    }
    return (
        f"{name}, {rows['budget'].iloc[0]:.0f} trainings' worth: a search at φ = 1 alone regrets "
        f"{regret['φ = 1 alone']} points at φ = 2, one at both {regret['φ = 1 and 2']}, "
        f"one at φ = 2 alone {regret['φ = 2 alone']} (replays; 95 %)."
    )


def overview(tables: list[Table]) -> str:
    """The page."""
    return f"""# Findings

What the committed runs and tables show. Each number is made by `python benchmarks/findings.py` from
ledgers and tables in this folder. The proxies are small ({_scale_words()}):
nothing here says what holds for ImageNet at 224 px.

## Is compound scaling better than growing one dimension?

Differences in points of test top-1 at equal measured cost, with intervals that hold all together
within a run; ▲ and ▼ mark those that are shown.

{gains_table(gains())}
## Is the best network compound?

Of every distinct network of a search's space, trained in full from several seeds. A network is
called compound when it puts at least a tenth of its growth on each of depth, width and resolution.

{_markdown([each.row() for each in tables])}
![Where in the simplex the best network lies](findings.svg)

## The constants

{constants_table()}
{initialisation()}## Do cheap trainings order networks as long ones do, and φ = 1 as φ = 2?

{proxies()}

## Do constants of φ = 1 serve at φ = 2?

{serves_at_two()}
## Nominal and real growth

{nominal_sentence()}
"""


def _scale_words() -> str:
    settings = [read_experiment(RESULTS / name) for name in RUNS if (RESULTS / name).exists()]
    sides = sorted({experiment.base.resolution_px for experiment in settings})
    images = sorted({experiment.info.train_images for experiment in settings})
    epochs = sorted({experiment.study.compare.epochs for experiment in settings})
    named = ((sides, "px"), (images, "training images"), (epochs, "epochs"))
    return ", ".join(f"{_span(values)} {word}" for values, word in named)


def _span(values: Sequence[int]) -> str:
    low, high = f"{values[0]:,}", f"{values[-1]:,}"
    return low if low == high else f"{low} to {high}"


def _markdown(rows: Sequence[dict[str, str]]) -> str:
    return tabulate(rows, "keys", "pipe", disable_numparse=True) + "\n"


def simplex(tables: list[Table]) -> bytes:
    """Where the best network lies: a disc a network, its area the chance that it is the best."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(tables), squeeze=False)[0]
        for axes, each in zip(panels, tables, strict=True):
            triangle(axes)
            x, y = triangle_positions(each.shares).T
            axes.scatter(x, y, s=6, color="#bbbbbb", zorder=2)
            area = 1200 * each.known.p_best
            axes.scatter(x, y, s=area, color="#D55E00", alpha=0.6, zorder=3)
            axes.set_title(each.name, fontsize=9)

    caption = "Each network by how it shares its growth; area is the chance that it is the best."
    return picture("findings", caption, (5.0 * len(tables), 4.6), draw).svg


def main() -> None:
    """Write the page, the README's table and the picture."""
    tables = [Table(path.parent) for path in sorted(RESULTS.glob("tabular/*/curves.csv"))]
    write_atomically(RESULTS / "findings.md", overview(tables).encode())
    write_atomically(RESULTS / "gains.md", gains_table(gains()).encode())
    write_atomically(RESULTS / "findings.svg", simplex(tables))


if __name__ == "__main__":
    main()
