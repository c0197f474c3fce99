"""`recommend` by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling_search.experiment.study_file import read_study
from tests.program import call

RUN = str(Path(__file__).parents[2] / "results" / "fashion-mnist")


def test_a_recommendation_is_read_aloud_and_its_study_written(tmp_path: Path) -> None:
    out = tmp_path / "small.toml"
    words = ("recommend", RUN, "--macs", "7M", "--method", "depth", "--out", str(out))
    status, printed, _ = call(*words)
    assert status == 0
    lines = printed.splitlines()
    assert lines[0].startswith("For at most 7 M MACs: depth alone at φ = ")
    assert lines[1].startswith("Expect 8")
    assert f"scaling-search run {out} --out runs/fashion-mnist-depth" in lines[-1]
    assert read_study(out).compare.rivals == ()


def test_json_has_the_numbers() -> None:
    _, printed, _ = call("recommend", RUN, "--macs", "3.6M", "--method", "width", "--json")
    best = json.loads(printed)["best"]
    assert (best["method"], best["phi"], best["standing"]) == ("width", 1.0, "measured")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "needs limits or an accuracy, got neither: try --macs 2G"),
        (("--macs", "2G", "--accuracy", "0.5"), "got both"),
        (("--macs", "lots"), "macs must look like 2G"),
        (("--accuracy", "83"), "an accuracy to reach is a fraction, in (0, 1), got 83.0"),
    ],
)
def test_a_wrong_request_is_one_line(words: tuple[str, ...], said: str) -> None:
    status, printed, error = call("recommend", RUN, *words)
    assert (status, printed) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1
