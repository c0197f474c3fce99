"""The names that users rely on."""

from __future__ import annotations

import subprocess
import sys

import pytest

import scaling_search
from scaling_search.arch import zoo


@pytest.mark.parametrize("name", scaling_search.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(scaling_search, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        _ = scaling_search.skale


def test_the_readmes_example_of_the_public_names_holds() -> None:
    b0 = zoo.get("efficientnet-b0")
    constants = scaling_search.Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
    bigger = scaling_search.scale(b0, constants.at(phi=1.0))
    growth = scaling_search.count(bigger).macs / scaling_search.count(b0).macs
    assert round(constants.nominal_growth, 2) == 1.92
    assert round(growth, 2) == 2.57


def test_a_worker_starts_without_what_only_the_driver_needs() -> None:
    code = "import sys, scaling_search.jobs.worker as w; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    for heavy in ("optuna", "pandas", "matplotlib.pyplot", "torchvision", "scipy", "typer"):
        assert heavy not in loaded
