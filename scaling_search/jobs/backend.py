"""What a run gets from wherever it trains: this machine, torchrun's processes, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from scaling_search.jobs.executor import Executor


class OpenedBackend(NamedTuple):
    """What runs the jobs, this machine's own device (for timings), and the environment."""

    executor: Executor
    device: str
    environment: dict[str, str]


OpenBackend = Callable[[str, int | None, Path, float | None], AbstractContextManager[OpenedBackend]]
"""From device, jobs at once, run directory and limit in seconds to what runs the jobs."""
