"""Turn run directories of full grids into the committed tables, and say what these show.

`python results/tabular/curves.py RUN…` writes <study>/curves.csv, data.json, environment.json and
README.md beside each study.toml here, then README.md, fidelity.md and fidelity.svg over all tables
there are. A run may still be going on: what its ledger holds is taken. Without RUN it draws again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.errors import UserError
from scaling_search.experiment.fidelity import SearchCurves, fidelity, read_trainings
from scaling_search.report.cells import write_tables
from scaling_search.report.fidelity import fidelity_picture, fidelity_table
from scaling_search.search import curve_table
from scaling_search.search.fidelity import lengths, scores

HERE = Path(__file__).resolve().parent
COPIED = ("data.json", "environment.json")


def publish(run: Path, here: Path = HERE) -> None:
    """Write a run's table beside the study of the same name; raises UserError without one."""
    trainings = read_trainings(run)
    folder = here / trainings.name
    if not (folder / "study.toml").exists():
        raise UserError(
            f"a table stands beside its study.toml, got none in {folder}: copy it there"
        )
    curve_table.write_table(trainings.curves, folder / "curves.csv")
    for name in COPIED:
        write_atomically(folder / name, (run / name).read_bytes())


def lengths_table(trainings: SearchCurves) -> str:
    """One row a length of training, as Markdown: how many there are, and what they came to."""
    plan, pool = trainings.experiment.study.search, len(trainings.experiment.pool)
    rows = [_length_row(trainings.curves, rung.epochs, pool * rung.seeds) for rung in plan.rungs]
    return tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True) + "\n"


def readme_of(trainings: SearchCurves) -> str:
    """What a table's own README says."""
    study, info = trainings.experiment.study, trainings.experiment.info
    px = trainings.experiment.base.resolution_px
    return f"""# {trainings.name}

{study.description} {len(trainings.experiment.pool)} distinct networks of {study.base} at {px} px
that grow {study.budget.growth:g} × (± {study.budget.tolerance:.0%}) in {study.budget.resource},
on {info.train_images:,} training and {info.validation_images:,} validation images of
{len(info.classes)} classes. The test split was not read.

{lengths_table(trainings)}
`curves.csv` has a row an epoch. A training of more epochs shares its plateau with the shorter
ones of its seed and has its own fall of the learning rate; its seconds are counted from its
beginning. They are wall seconds on a machine with other work: the cost to compare is `macs` ×
images. `environment.json` says on what it ran, and
`scaling-search search results/tabular/{trainings.name}/study.toml` makes it again.
"""


def overview(tables: list[SearchCurves], here: Path = HERE) -> str:
    """What the README over all tables says; writes the fidelity table and picture it shows."""
    found = fidelity([here / table.name for table in tables], min(map(_whole_to, tables)))
    table, drawn = fidelity_table(found), fidelity_picture(found)
    write_tables([table], here)
    write_atomically(here / "fidelity.svg", drawn.svg)
    verdicts = "\n".join(f"- {sentence}" for sentence in table.numbers["verdict"])
    listed = "\n".join(_listed(each) for each in tables)
    return f"""# Tables of real trainings

Every distinct network of a search's space, trained from several seeds at several lengths: what a
search strategy finds, and what it would have cost, can be replayed on these in seconds.

| table | networks | trainings | training hours | what |
|---|---:|---:|---:|---|
{listed}

## Is the proxy to be believed?

{verdicts}

{table.markdown}
![{drawn.caption}](fidelity.svg)

τ is Kendall's τ-b between the networks' mean validation top-1 under two conditions; (1 + τ) / 2
of all pairs stand in the same order. Its interval resamples networks. *Seed to seed* is the τ of
one seed under the first condition with another seed under the second. The *ceiling* is the τ that
the seeds' noise would leave if the true orders were the same. A short training shares its plateau
with the long one of its seed, so luck carries over and τ can exceed the ceiling; *seed to seed*
does not flatter. The *regret* is how far the first condition's winner lies below the best under
the second, by Hsu's comparison with the best (seeds: Student's interval). Networks of two tables
are matched one to one by how they share the growth between depth, width and resolution;
*distance* is the part of the growth by which they differ.

`python results/tabular/curves.py RUN…` writes all of this from run directories.
"""


def _whole_to(one: SearchCurves) -> int:
    """The longest training that all networks have; of a longer one only the first few are in."""
    whole = len(one.experiment.pool)
    return max((e for e in lengths(one.curves) if len(scores(one.curves, e)) == whole), default=1)


def _listed(one: SearchCurves) -> str:
    curves, networks = one.curves, len(one.experiment.pool)
    ended = curves[curves["epoch"] == curves["epochs"]]
    hours = ended["train_seconds"].sum() / 3600
    link = f"[{one.name}]({one.name}/README.md)"
    return f"| {link} | {networks} | {curves['job'].nunique():,} | {hours:.1f} | {_what(one)} |"


def _what(one: SearchCurves) -> str:
    study, info = one.experiment.study, one.experiment.info
    images = Path(study.data.root).name if study.data.root else info.name
    return (
        f"{images}, base at {one.experiment.base.resolution_px} px, growth {study.budget.growth:g}"
    )


def _length_row(curves: pd.DataFrame, epochs: int, wanted: int) -> dict[str, str]:
    at = curves[curves["epochs"] == epochs]
    ended, whole = at[at["epoch"] == epochs], scores(curves, epochs)
    means = 100 * whole.mean(axis=1)
    best = f"{means.max():.2f} ({means.idxmax()})" if len(means) else "–"
    return {
        "epochs": str(epochs),
        "trainings": f"{at['job'].nunique()} of {wanted}",
        "failed": str(at["job"].nunique() - len(ended)),
        "seeds": str(ended["seed"].nunique()),
        "top-1 of the networks (%)": f"{means.min():.2f} – {means.max():.2f}"
        if len(means)
        else "–",
        "best mean (%)": best,
        "hours": f"{ended['train_seconds'].sum() / 3600:.2f}",
    }


def main() -> int:
    """Write the tables; return the exit status."""
    for run in map(Path, sys.argv[1:]):
        publish(run)
    tables = [read_trainings(path.parent) for path in sorted(HERE.glob("*/curves.csv"))]
    for each in tables:
        write_atomically(HERE / each.name / "README.md", readme_of(each))
    write_atomically(HERE / "README.md", overview(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
