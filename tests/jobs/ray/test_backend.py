"""What a run may ask of a Ray cluster, with Ray and without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.jobs.ray.backend import RayBackend
from tests.tiny import TINY

WITHOUT_RAY = """
import sys
sys.modules["ray"] = None  # as if it were not installed
from scaling_search.cli.main import main
sys.argv = ["scaling-search", *sys.argv[1:]]
main()
"""


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    words = ["search", "--preset", "demo", "--ray", "auto", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RAY, *words],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("pip install 'scaling-search[ray]'")


@pytest.mark.parametrize(
    ("device", "gpus_per_job", "there_are", "gpus"),
    [
        ("auto", None, True, 1.0),
        ("auto", None, False, 0.0),
        ("auto", 0.25, True, 0.25),
        ("auto", 0.0, True, 0.0),
        ("cpu", None, True, 0.0),
        ("cuda", None, False, 1.0),
    ],
)
def test_a_job_takes_a_gpu_where_there_is_one_unless_told_otherwise(
    device: str, gpus_per_job: float | None, there_are: bool, gpus: float
) -> None:
    pytest.importorskip("ray")
    assert RayBackend("auto", gpus_per_job)._gpus(device, there_are) == gpus


def test_a_device_that_contradicts_the_share_of_a_gpu_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match=r"must suit --device cpu, got 0\.5"):
        RayBackend("auto", 0.5)._gpus("cpu", there_are=True)
    with pytest.raises(UserError, match="must be auto, cpu or cuda, got 'cuda:1'"):
        RayBackend("auto")._gpus("cuda:1", there_are=True)


def test_a_share_of_a_gpu_without_a_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="add --ray ADDRESS"):
        run(TINY, tmp_path, gpus_per_job=0.5)
    assert not list(tmp_path.iterdir())
