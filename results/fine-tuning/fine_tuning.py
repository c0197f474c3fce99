"""What the weights of ImageNet are worth on a small folder: one page of the runs beside this file.

`python results/fine-tuning/fine_tuning.py` writes README.md from each run's ledger. A run is Lite0
on 3,300 images of 20 classes of Tiny ImageNet at 64 px, 6 epochs from each of its seeds.
"""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from scaling_search.core.stats import mean_interval, paired_difference
from scaling_search.experiment.run_comparison import read_comparison
from scaling_search.report.cells import Table, interval_text
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.tables import gains_table

HERE = Path(__file__).resolve().parent
REFERENCE = "fine-tuned"
RUNS = {
    "fine-tuned": "the Lite weights, all layers at 0.01",
    "frozen": "the Lite weights, the classifier alone at 0.01",
    "scratch": "at random, at 0.1",
    "scratch-slower": "at random, at 0.02",
}
"""The folders, and what each run's trainings begin with and learn at."""
FAMILY = "family"
NETWORK_HEADS = [
    "method",
    "φ",
    "side (px)",
    "MACs (M)",
    "real growth ×",
    "n",
    "test top-1 (%) [95\N{NO-BREAK SPACE}%]",
]
GAIN_HEADS = [
    "rival",
    "compound − rival at equal cost (points) [95\N{NO-BREAK SPACE}%, all together]",
    "verdict",
]

PAGE = """# Fine-tuned or from nothing

EfficientNet-Lite0 on 20 classes of Tiny ImageNet at their own {px} px: {images:,} training images,
{epochs} epochs of batches of {batch}, the same images and augmentation for all. Differences are
paired by seed.

{table}

The classes are ImageNet's, and the weights were trained on them, very likely on the same
photographs at a larger size: this is the most that weights can be worth, not what they are worth on
images of another kind. {epochs} epochs are few for a network that begins at random, which would go
on learning. No rate was searched for: from nothing a still lower one may do better.

Made by [fine_tuning.py](fine_tuning.py) from the ledgers beside it. To train the first again:

```
scaling-search train efficientnet-lite0 --weights lite --recipe fine-tune --data imagefolder \\
    --root FOLDER --px 64 --epochs 6 --train-images 3300 --seed 1000 --seeds 3 --out fine-tuned
```

The others are their `study.toml`, `scaling-search run scratch/study.toml --root FOLDER`.

## A family that is fine-tuned

[The same network](family/study.toml) at {family_px} px, grown to twice its cost with its weights:
what fits is taken, a wider layer takes the narrower one's slice, added blocks begin as identity.
{family_epochs} epochs of the same images, {family_seeds} seeds each.

{networks}

{gains}

Finer images keep every weight; what depth and width add begins untrained, and {family_epochs}
epochs are few for it. So this is how the family of a network with weights is best fine-tuned on
such images, not how its networks compare when each is trained from nothing. The last map has 2 px
at {family_px} px, and the weights were trained at 224: whatever brings the images nearer to that
helps for this reason too. Resolution alone could not be built at twice the cost (strides of 32
leave few sides between); the differences are at equal cost, read off the line through each
rival's networks. Rates were not checked.
"""


def page(folder: Path = HERE) -> str:
    """The page of the runs in this folder."""
    present = [name for name in RUNS if (folder / name / "ledger.jsonl").is_file()]
    comparisons = {name: read_comparison(folder / name) for name in present}
    scores = {
        name: dict(zip(each.runs["seed"], 100 * each.runs["test_top1"], strict=True))
        for name, each in comparisons.items()
    }
    reference = comparisons[REFERENCE]
    job = reference.experiment.compare_job(reference.members[0].architecture, 0)
    return PAGE.format(
        px=job.architecture.resolution_px,
        images=job.train_images,
        epochs=job.epochs,
        batch=job.recipe.batch_size,
        table=_table(scores),
        **_family(folder / FAMILY),
    )


def _family(folder: Path) -> dict[str, object]:
    """What the page says of the family."""
    comparison = read_comparison(folder)
    job = comparison.experiment.compare_job(comparison.members[0].architecture, 0)
    networks = comparison_table(comparison.runs).shown[NETWORK_HEADS]
    gains = gains_table(comparison.runs).shown[GAIN_HEADS]
    return {
        "family_px": job.architecture.resolution_px,
        "family_epochs": job.epochs,
        "family_seeds": comparison.experiment.study.compare.seeds,
        "networks": Table("networks", networks, networks).markdown.rstrip(),
        "gains": Table("gains", gains, gains).markdown.rstrip(),
    }


def _table(scores: dict[str, dict[int, float]]) -> str:
    rows = []
    for name, by_seed in scores.items():
        top1 = mean_interval(list(by_seed.values()))
        less = paired_difference(by_seed, scores[REFERENCE])
        rows.append(
            {
                "run": f"[{name}]({name}/study.toml)",
                "begins with, and learns at": RUNS[name],
                "n": top1.n,
                "test top-1 (%) [95 %]": interval_text(top1.mean, top1.low, top1.high),
                "less fine-tuned (points) [95 %]": "–"
                if name == REFERENCE
                else interval_text(less.mean, less.low, less.high, "+.2f"),
            }
        )
    return tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(), encoding="utf-8")
