"""The check of a GPU, rehearsed on the CPU: every part runs, and what is wrong is seen."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from scaling_search.latency import cuda
from tests.jobs.small import gone, until

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
MODULES = (
    *("arithmetic", "card", "check", "graphs", "memory", "parts", "resumption", "schedule"),
    *("sizes", "stand_in", "throughput", "trainings", "waiting"),
)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(FOLDER)
    return SimpleNamespace(**{name: importlib.import_module(f"gpu.{name}") for name in MODULES})


@pytest.fixture
def card(gpu: Any) -> Any:
    return gpu.stand_in.StandIn()


def named(gpu: Any, name: str, card: Any, out: Path) -> dict[str, Any]:
    """The part's checks by their names."""
    return {check.name: check for check in gpu.parts.part_named(name).work(card, out)}


@pytest.mark.parametrize(
    "name",
    [
        "environment",
        "arithmetic",
        "graphs",
        "resumption",
        "memory",
        "throughput",
        "captured",
        "compiled",
    ],
)
def test_a_part_runs_to_its_end_on_a_stand_in(
    gpu: Any, card: Any, name: str, tmp_path: Path
) -> None:
    checks = list(gpu.parts.part_named(name).work(card, tmp_path))
    assert [check for check in checks if check.holds is False] == []
    assert gpu.check.all_hold(checks)


def test_a_graph_that_lets_go_of_its_network_is_seen(
    gpu: Any, card: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the driver once did: it gave back the graph alone.
    monkeypatch.setattr(gpu.stand_in._Driver, "capture", lambda _, step: lambda: None)
    with pytest.raises(TypeError, match="must keep what it works on"):
        list(gpu.graphs.graphs_part(card, tmp_path))


def test_a_graph_that_writes_elsewhere_is_seen(
    gpu: Any, card: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def capture(_: object, step: Any) -> object:
        weights = next(step.model.parameters())
        return cuda.CapturedStep(
            step, SimpleNamespace(replay=lambda: weights.data.fill_(torch.nan))
        )

    monkeypatch.setattr(gpu.stand_in._Driver, "capture", capture)
    found = named(gpu, "graphs", card, tmp_path)
    assert not found["inference: its weights stay"].holds
    assert not found["training: its weights move, and stay finite"].holds


def test_what_jobs_leave_in_memory_is_seen(
    gpu: Any, card: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked: list[torch.Tensor] = []

    def execute(*_: object) -> Any:
        leaked.append(torch.zeros(1 << 20))
        return SimpleNamespace(kind="finished")

    monkeypatch.setattr(gpu.memory, "execute", execute)
    monkeypatch.setattr(gpu.memory, "small_job", lambda: None)
    lacking, left = gpu.memory.jobs(card)
    assert not lacking.holds  # without memory it finished
    assert not left.holds
    assert left.seen == "4.194e+06"


@pytest.mark.parametrize("name", ["default", "averaged, with a warm-up", "cropped"])
def test_a_step_that_asks_the_device_for_a_value_is_seen(
    gpu: Any, card: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = gpu.waiting.RECIPES[name]
    assert gpu.waiting.waits(card, recipe) == 0 == gpu.waiting.allowed(name)
    whole = gpu.trainings.Trainer._learn

    def learn(self: Any, parts: Any) -> None:
        whole(self, parts)
        self.loss_sum.item()

    monkeypatch.setattr(gpu.trainings.Trainer, "_learn", learn)
    assert gpu.waiting.waits(card, recipe) == 1


def test_float16_may_ask_once_a_step(gpu: Any, card: Any) -> None:
    assert gpu.waiting.waits(card, gpu.waiting.RECIPES["float16"]) == 1
    assert gpu.waiting.allowed("float16") == 1


def test_short_mantissas_where_float32_was_asked_for_are_seen(
    gpu: Any, card: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.conv2d

    def conv2d(images: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        if images.dtype == torch.float64:
            return whole(images, weights)
        return whole(images.bfloat16(), weights.bfloat16()).float()

    monkeypatch.setattr(torch, "conv2d", conv2d)
    found = named(gpu, "arithmetic", card, tmp_path)
    assert not found["float32: error of a convolution"].holds
    assert found["float32: error of a product"].holds


def test_seconds_that_are_too_few_are_seen(
    gpu: Any, card: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu.trainings.Trainer, "_read_clock", lambda _: None)
    assert gpu.resumption.said_over_wall(card, "off") == 0


def test_the_stand_in_counts_the_bytes_of_tensors_that_live(gpu: Any) -> None:
    before = gpu.stand_in.living_bytes()
    held = torch.zeros(1 << 18)
    view = held[1:]
    assert gpu.stand_in.living_bytes() - before == 1 << 20
    del held, view
    assert gpu.stand_in.living_bytes() == before


def check(gpu: Any, holds: bool | None) -> Any:
    return gpu.check.Check("part", "name", "1", "2", holds)


@pytest.mark.parametrize(
    ("holds", "expected"),
    [([True, None], True), ([True, False], False), ([None], False), ([], False)],
)
def test_all_hold_only_if_something_was_looked_at_and_nothing_failed(
    gpu: Any, holds: list[bool | None], expected: bool
) -> None:
    assert gpu.check.all_hold([check(gpu, each) for each in holds]) is expected


def test_the_table_says_what_was_expected_and_what_was_seen(gpu: Any) -> None:
    text = gpu.check.table([gpu.check.at_most("memory", "bytes", 3, 2), check(gpu, None)])
    assert [line.split("|")[1:-1] for line in text.replace(" ", "").split("\n")[2:]] == [
        ["memory", "bytes", "≤2", "3", "NO"],
        ["part", "name", "1", "2", "–"],
    ]


def test_the_limits_of_all_parts_but_the_last_fit_into_the_time_of_all(gpu: Any) -> None:
    driver = importlib.import_module("gpu_check")
    seconds = [part.seconds for part in gpu.parts.PARTS]
    assert sum(seconds[: seconds.index(75)]) < driver.SECONDS
    assert driver.SECONDS <= 8 * 60


GOOD = '{"part": "p", "name": "n", "expected": "1", "seen": "1", "holds": true}'


def step(gpu: Any, name: str, script: str, seconds: float = 60.0) -> Any:
    return gpu.schedule.Step(name, seconds, ("sh", "-c", script))


def run(gpu: Any, folder: Path, *steps: Any, total: float = 120.0) -> list[tuple[str, str, bool]]:
    """On a clock that stands still: a limit is over once a step has come to its file "ready"."""

    def end_of(child: subprocess.Popen[bytes], limit: float) -> int:
        ready = folder / "ready"
        assert until(lambda: child.poll() is not None or ready.exists())
        if child.returncode is None:
            ready.unlink()
            raise subprocess.TimeoutExpired(child.args, limit)
        return child.returncode

    schedule = gpu.schedule.Schedule(
        folder, folder / "checks", total, lambda _: None, lambda: 0.0, end_of
    )
    return [(check.part, check.seen, check.holds) for check in schedule.run(steps)]


def test_what_a_step_found_before_it_was_ended_is_kept_and_its_end_is_named(
    gpu: Any, tmp_path: Path
) -> None:
    says = f"echo '{GOOD}' >> {tmp_path}/checks"
    found = run(
        gpu,
        tmp_path,
        step(
            gpu,
            "slow",
            f"{says}; printf '{{\"pa' >> {tmp_path}/checks; touch {tmp_path}/ready; sleep 600",
        ),
        step(gpu, "silent", "true"),
        step(gpu, "failing", "echo why; exit 3"),
    )
    assert found == [
        ("p", "1", True),
        ("slow", "over its limit of 60 s, 1 checks done: slow.log", False),
        ("silent", "status 0, 0 checks done: silent.log", False),
        ("failing", "status 3, 0 checks done: failing.log", False),
    ]
    assert (tmp_path / "failing.log").read_text() == "why\n"


def test_what_an_ended_step_had_started_is_ended_too(gpu: Any, tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/pid; touch {tmp_path}/ready; wait"
    run(gpu, tmp_path, step(gpu, "slow", script))
    pid = int((tmp_path / "pid").read_text())
    assert until(lambda: gone(pid))


def test_what_no_longer_fits_is_named(gpu: Any, tmp_path: Path) -> None:
    found = run(gpu, tmp_path, step(gpu, "late", "exit 9"), total=10.0)
    assert found == [("late", "left out, 7 s left", False)]


def gpu_check(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "gpu_check.py"), *words]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_without_a_device_it_says_so_in_one_line_and_ends_with_2() -> None:
    done = gpu_check(CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "needs a CUDA device" in done.stderr


def test_a_rehearsal_writes_what_a_check_would_write(tmp_path: Path) -> None:
    words = ("--rehearse", "--parts", "arithmetic", "--out", str(tmp_path))
    done = gpu_check(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing here says anything of a GPU" in (tmp_path / "checks.md").read_text()
    assert all(check["holds"] for check in json.loads((tmp_path / "checks.json").read_text()))
    assert (tmp_path / "arithmetic.log").exists()
