"""Whether torchrun started this process as one of several, by what it sets for them."""

from __future__ import annotations

import os

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def started_by_torchrun() -> bool:
    """Whether other processes train with this one.

    Examples:
        >>> from scaling_search.jobs.torchrun_variables import started_by_torchrun
        >>> started_by_torchrun()
        False
    """
    return all(name in os.environ for name in VARIABLES) and os.environ["WORLD_SIZE"] != "1"
