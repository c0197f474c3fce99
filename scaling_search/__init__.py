"""Find how depth, width and resolution of a network should grow together, and what is gained."""

from __future__ import annotations

import sys

if (
    not sys.flags.safe_path
    and sys.argv[:1] == ["-m"]  # as long as the module is looked for
    and any(w.removeprefix("-m").partition(".")[0] == __name__ for w in sys.orig_argv)
):
    # `python -m` put the working directory first: a queue.py or a typing.py there must not stand
    # in for Python's own.
    sys.path.append(sys.path.pop(0))

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaling_search.arch.scaling import Coefficients, Multipliers, scale
    from scaling_search.arch.spec import Architecture, Stage
    from scaling_search.core.errors import UserError
    from scaling_search.cost.analytic import Cost, count
    from scaling_search.data.request import DataRequest
    from scaling_search.experiment.outcome import Outcome
    from scaling_search.experiment.paper_figure import figure, save_figure
    from scaling_search.experiment.pipeline import run
    from scaling_search.experiment.study import Study
    from scaling_search.latency.profile import profile
    from scaling_search.nets.build import build
    from scaling_search.nets.features import features
    from scaling_search.pretrained.initial import Init
    from scaling_search.search.candidates import Candidate, candidates
    from scaling_search.search.space import Budget, Space

__all__ = [
    "Architecture",
    "Budget",
    "Candidate",
    "Coefficients",
    "Cost",
    "DataRequest",
    "Init",
    "Multipliers",
    "Outcome",
    "Space",
    "Stage",
    "Study",
    "UserError",
    "build",
    "candidates",
    "count",
    "features",
    "figure",
    "profile",
    "run",
    "save_figure",
    "scale",
]

# A worker needs torch and little else; importing the whole package would take it seconds.
_HOMES = {
    "arch.scaling": ("Coefficients", "Multipliers", "scale"),
    "arch.spec": ("Architecture", "Stage"),
    "cost.analytic": ("Cost", "count"),
    "latency.profile": ("profile",),
    "data.request": ("DataRequest",),
    "core.errors": ("UserError",),
    "nets.build": ("build",),
    "nets.features": ("features",),
    "pretrained.initial": ("Init",),
    "experiment.outcome": ("Outcome",),
    "experiment.paper_figure": ("figure", "save_figure"),
    "experiment.pipeline": ("run",),
    "search.candidates": ("Candidate", "candidates"),
    "search.space": ("Budget", "Space"),
    "experiment.study": ("Study",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, before they are imported too: for a notebook's completion."""
    return sorted({*globals(), *__all__})
