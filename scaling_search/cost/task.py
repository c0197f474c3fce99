"""What a network does in one step, by name; torch is not needed to ask for it."""

from __future__ import annotations

from typing import Literal

Task = Literal["inference", "training"]
