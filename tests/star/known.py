"""Stars whose surfaces are known."""

from __future__ import annotations

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.star.fit import Star
from scaling_search.star.surface import Swept

C = 0.5
ARMS = ((0.2, 0.8, 0.2, 0.2), (0.1, 0.5, 0.3, 0.5), (0.1, 1.5, 0.2, 1.0))
"""α, a, β, b of each arm; ξ and ε are 0.1."""
EXPONENTS = (0.5, 0.5, 0.2)
"""C / (a + b)."""
POWERS = np.array([1.0, 1.0, 2.0])
SHARES = (0.5 / 1.4, 0.5 / 1.4, 0.4 / 1.4)
SIZES, LENGTHS = 6, (0.25, 0.5, 1.0)


def swept(arm: int, luck: Floats | None = None, bend: float = 0.0) -> Swept:
    """One arm's points; its first three are the centre's, which counts a third in each."""
    alpha, a, beta, b = ARMS[arm]
    x = np.repeat(0.8 ** np.arange(SIZES), len(LENGTHS))
    t = x ** POWERS[arm] * np.tile(LENGTHS, SIZES)
    bent = np.exp(-bend * np.log(t) ** 2)
    y = alpha * x**-a + (beta * x**b * bent + 0.1) * t**-C + 0.1
    weights = np.where(x == 1, 1 / len(ARMS), 1.0)
    return Swept(x, t, y if luck is None else y + luck, weights)


def star(sd: float = 0.0, seed: int = 0, bends: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Star:
    """The star of these arms, with scores that scatter so much."""
    rng = np.random.default_rng(seed)
    centre = sd * rng.normal(size=len(LENGTHS))
    sweeps = []
    for arm, bend in enumerate(bends):
        luck = sd * rng.normal(size=SIZES * len(LENGTHS))
        luck[: len(LENGTHS)] = centre
        sweeps.append(swept(arm, luck, bend))
    return Star(tuple(sweeps), (1 + len(ARMS) * (SIZES - 1)) * len(LENGTHS))
