"""A study so small that its every training takes a fraction of a second."""

from __future__ import annotations

from scaling_search.data.request import DataRequest
from scaling_search.experiment.comparison import Comparison, Timing
from scaling_search.experiment.study import Study
from scaling_search.search.gate import Gate
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe

TINY = Study(
    name="tiny",
    base_px=16,
    data=DataRequest("typefaces", train_images=200, test_images=100, validation_fraction=0.2),
    budget=Budget(tolerance=0.2),
    space=Space(Axis(1, 2, 0.5), Axis(1, 1.5, 0.25), Axis(1, 1.5, 0.25)),
    search=SearchPlan("tpe", trials=4, rungs=(Rung(1), Rung(2, seeds=2))),
    compare=Comparison(phis=(0.0, 1.0), epochs=2, seeds=2),
    recipe=Recipe(batch_size=32, augment="none"),
    timing=Timing(seconds=0),
    gate=Gate(0),
)
