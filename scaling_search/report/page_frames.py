"""The frames that the page's script draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from scaling_search.compare.networks import MethodAtPhi
from scaling_search.search.frame import SEARCH_CURVE_COLUMNS
from scaling_search.search.space import Resource


@dataclass(frozen=True)
class NetworkDetails:
    """What the page knows of single networks beyond the frames.

    `studies` holds, by method and φ, the study that trains a network of the comparison by itself,
    as TOML; `peaks` the peak memory of one step in bytes by the network's fingerprint, of the
    `task` "inference" or "training"; `search_curves` a row an epoch of each candidate's trainings.
    """

    studies: Mapping[MethodAtPhi, str] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)
    task: str = ""
    search_curves: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(SEARCH_CURVE_COLUMNS))
    )


@dataclass(frozen=True)
class PageFrames:
    """The frames of a report; `latency` is `accuracy_latency_frame`'s, None where nothing is timed.

    `peaks` are bytes that a device measured, by fingerprint; `gate` has a row a training of the
    gate; `second` is the column of `search` that was weighed beside accuracy (None: there is none).
    """

    title: str
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    latency: pd.DataFrame | None = None
    peaks: Mapping[str, int] = field(default_factory=dict)
    details: NetworkDetails = field(default_factory=NetworkDetails)
    gate: pd.DataFrame | None = None
    second: Resource | None = None
