"""The ways to grow a network that compound scaling is held against, by name."""

from __future__ import annotations

from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import AXIS_NAMES, Coefficients

OFFICIAL = "official"
# The paper's constants, and fast scaling's: of a growth s, depth takes s^0.1, width s^0.4 and
# resolution s^0.05 (arXiv 2103.06877, its fast scaling at α = 0.8).
RAYS = {
    "paper": PAPER_CONSTANTS,
    "fast": Coefficients(2**0.1, 2**0.4, 2**0.05),
}
RIVAL_NAMES = (*AXIS_NAMES, *RAYS, OFFICIAL)
