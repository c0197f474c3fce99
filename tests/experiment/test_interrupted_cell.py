"""A real kernel: a cell that trains is interrupted, and run again it comes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

manager: Any = pytest.importorskip("jupyter_client.manager", reason="no jupyter_client")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

STUDY = """
from dataclasses import replace
from scaling_search import Coefficients, Study, run
from tests.tiny import TINY

constants = Coefficients(1, 1, 1)
compare = replace(TINY.compare, phis=(0.0,), rivals=(), epochs=2, seeds=2, constants=constants)
study = replace(TINY, compare=compare)
"""
NETWORK = """
from torch import nn

def make(multipliers):
    pooled = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), pooled, nn.Flatten(), nn.Linear(8, 20))
"""
SECONDS = 300  # a message that is that late will not come


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    started = manager.start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    process, client = started
    yield started
    client.stop_channels()
    process.shutdown_kernel(now=True)
    client.context.destroy()


def cell(kernel: Any, code: str, interrupt_at: str = "") -> tuple[str, list[str], set[str]]:
    """What a cell printed, the lines of its error, and the kinds of what it shows.

    It is interrupted once the text `interrupt_at` is printed.
    """
    process, client = kernel
    asked, printed, error, kinds = client.execute(code), "", list[str](), set[str]()
    while True:
        message = client.get_iopub_msg(timeout=SECONDS)
        content = message["content"]
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "stream":
            printed += content["text"]
            if interrupt_at and interrupt_at in printed:
                interrupt_at = ""
                process.interrupt_kernel()
        elif message["msg_type"] == "error":
            error = content["traceback"]
        elif message["msg_type"] == "execute_result":
            kinds = set(content["data"])
        elif content.get("execution_state") == "idle":
            return printed, error, kinds


@pytest.mark.slow
def test_an_interrupted_cell_is_a_line_and_goes_on_when_it_is_run_again(kernel: Any) -> None:
    # 100 000 epochs: whenever the signal comes, there is something to interrupt
    endless = "replace(study, compare=replace(compare, epochs=100_000))"
    assert cell(kernel, STUDY)[1] == []
    _, error, _ = cell(kernel, f'run({endless}, "run", workers=1)', "2 trainings left in all")
    assert error == ["KeyboardInterrupt: stopped; the same cell goes on from here"]
    printed, error, kinds = cell(kernel, 'outcome = run(study, "run", workers=1)\noutcome')
    assert (error, "text/html" in kinds) == ([], True)
    assert "; 0 left" in printed


@pytest.mark.slow
def test_a_function_of_a_cell_is_passed_as_it_is(kernel: Any) -> None:
    assert cell(kernel, STUDY + NETWORK)[1] == []
    brief = "replace(study, base_px=16, compare=replace(compare, epochs=1))"
    printed, error, _ = cell(kernel, f'run({brief}, "run", function=make)')
    assert error == []
    assert "make, seed 1001" in printed
    _, error, _ = cell(kernel, f'run({brief}, "run", function=lambda multipliers: make)')
    assert len(error) == 1
    assert "write it as a function (def) outside of others" in error[0]
