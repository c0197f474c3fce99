"""Which columns of a table are text, and so begin at the left."""

from __future__ import annotations

LEFT_ALIGNED = frozenset(
    {"method", "rival", "network", "repeats", "verdict", "not finished", "note", "what", "value"}
    | {"class", "compared", "condition", "against", "on the front", "compound here is"}
)
