"""How a network's numbers are held, whether it is trained or timed."""

from __future__ import annotations

from typing import Literal

Precision = Literal["float32", "tf32", "bfloat16", "float16"]
MemoryFormat = Literal["channels-last", "contiguous"]
