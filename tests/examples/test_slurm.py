"""The Slurm script, whole, on this machine: only Slurm's own commands are stand-ins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.data.request import DataRequest
from scaling_search.experiment.study_file import to_toml
from scaling_search.search.plan import Rung, SearchPlan
from tests.jobs.small import PATIENCE_SECONDS, until
from tests.tiny import TINY

pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "slurm" / "search.sbatch"
STUDY = replace(
    TINY,
    data=DataRequest("typefaces", train_images=100, test_images=40, validation_fraction=0.2),
    search=SearchPlan("tpe", trials=2, rungs=(Rung(1),)),
)
STAND_INS = {
    # A step runs here. Two nodes on one machine must not want the same ports for their workers.
    "srun": """
while [[ $1 == --* ]]; do shift; done
[[ "$1 $2" == "ray start" ]] && set -- "$@" --min-worker-port=0 --max-worker-port=0
echo "$$ ${RAY_AUTH_MODE:-none} $*" >>"$STEPS"
exec "$@" """,
    "scontrol": """[[ $1 == show ]] && printf 'one\\ntwo\\n'; echo "$*" >>"$ASKED" """,
    # On the loopback device, and not the address that Ray would take for the machine's own.
    "hostname": "echo 127.0.0.2",
    "scaling-search": f"""exec "{sys.executable}" -m scaling_search "$@" """,
}


# For what the script itself does: a cluster and a search that only wait for the end.
IDLE = {
    "ray": "[[ $1 == start ]] && exec sleep 600; exit 0",
    "scaling-search": "trap 'kill %1; exit 75' TERM; sleep 600 & echo begun; wait",
}


def stand_in(folder: Path, commands: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, body in commands.items():
        command = folder / name
        command.write_text(f"#!/bin/bash\n{body}\n")
        command.chmod(0o755)


def left_over(settings: dict[str, str]) -> list[Path]:
    """The processes that the script has started and that go on, by what they found in it."""
    mark, found = f"STEPS={settings['STEPS']}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(process)
    return found


def steps(settings: dict[str, str]) -> list[list[str]]:
    """Process, authentication mode and command of each step."""
    lines = Path(settings["STEPS"]).read_text().splitlines()
    return [line.partition(" --")[0].split(maxsplit=2) for line in lines]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    stand_in(tmp_path / "commands", STAND_INS)
    path = [str(tmp_path / "commands"), str(Path(sys.executable).parent), os.environ["PATH"]]
    ours = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return {
        **ours,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(ROOT),
        "RAY_worker_niceness": "0",  # or nothing is left to them beside the other tests
        "SLURM_JOB_NODELIST": "two-of-them",
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "STEPS": str(tmp_path / "steps"),
        "ASKED": str(tmp_path / "asked"),
    }


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(to_toml(STUDY))
    return path


@contextmanager
def running(settings: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        ["bash", str(SCRIPT), *words],
        env=settings,
        cwd=settings["SLURM_SUBMIT_DIR"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as script:
        try:
            yield script
        finally:
            with suppress(ProcessLookupError):
                os.killpg(script.pid, signal.SIGKILL)


@pytest.mark.slow
def test_the_script_starts_a_cluster_searches_on_it_and_leaves_nothing_behind(
    settings: dict[str, str], study: Path, tmp_path: Path
) -> None:
    with running(settings, "search", str(study), "--out", "run") as script:
        said, _ = script.communicate(timeout=PATIENCE_SECONDS)
        assert until(lambda: not left_over(settings))
    assert script.returncode == 0, said
    assert len((tmp_path / "run" / "ledger.jsonl").read_text().splitlines()) == 2
    assert '"nodes": "' in (tmp_path / "run" / "environment.json").read_text()
    done = steps(settings)
    assert [words for _, _, words in done] == ["hostname", "ray start", "ray start"]
    assert {mode for _, mode, _ in done} == {"token"}
    assert not list(tmp_path.glob(".ray-token-*"))


def test_the_script_says_what_it_needs(settings: dict[str, str]) -> None:
    with running(settings) as script:
        said, _ = script.communicate(timeout=PATIENCE_SECONDS)
    assert script.returncode == 2
    assert said.startswith("what shall run?")


def test_when_time_is_up_the_search_is_told_and_the_job_queued_again(
    settings: dict[str, str], tmp_path: Path
) -> None:
    stand_in(tmp_path / "commands", IDLE)
    with running(settings, "search", "study.toml") as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "begun\n"
        (token,) = tmp_path.glob(".ray-token-*")
        assert token.stat().st_mode & 0o077 == 0
        assert len(token.read_text()) == 64
        script.terminate()
        assert script.wait(PATIENCE_SECONDS) == 75
        assert until(lambda: not left_over(settings))
    assert (tmp_path / "asked").read_text().splitlines()[-1] == f"requeue {os.getpid()}"
    assert not list(tmp_path.glob(".ray-token-*"))


# The script's own shell is told by what it starts: while it waits for the cluster, and while the
# driver is none yet.
TOLD_EARLY = {
    "before the driver": {"ray": f"[[ $1 == health-check ]] && kill $PPID; {IDLE['ray']}"},
    "by a driver that does not listen": {"scaling-search": "kill $PPID; exec sleep 600"},
}


@pytest.mark.parametrize("commands", TOLD_EARLY.values(), ids=TOLD_EARLY)
def test_told_before_the_search_has_begun_the_job_is_queued_again(
    settings: dict[str, str], tmp_path: Path, commands: dict[str, str]
) -> None:
    stand_in(tmp_path / "commands", IDLE | commands)
    with running(settings, "search", "study.toml") as script:
        said, _ = script.communicate(timeout=PATIENCE_SECONDS)
        assert until(lambda: not left_over(settings))
    assert script.returncode == 75, said
    assert "begun" not in said
    assert (tmp_path / "asked").read_text().splitlines()[-1] == f"requeue {os.getpid()}"
