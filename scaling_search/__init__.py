"""Find how depth, width and resolution of a network should grow together, and what is gained."""

from __future__ import annotations

from scaling_search.arch.scaling import Coefficients, Multipliers, scale
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.cost.analytic import Cost, count
from scaling_search.data.request import DataRequest
from scaling_search.errors import UserError
from scaling_search.nets.build import build
from scaling_search.run import Outcome, run
from scaling_search.search.candidates import Budget, Candidate, candidates
from scaling_search.study import Study

__all__ = [
    "Architecture",
    "Budget",
    "Candidate",
    "Coefficients",
    "Cost",
    "DataRequest",
    "Multipliers",
    "Outcome",
    "Stage",
    "Study",
    "UserError",
    "build",
    "candidates",
    "count",
    "run",
    "scale",
]
