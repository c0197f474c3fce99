"""Fresh processes: each sits once and ends, so no allocator's or compiler's history is shared."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from scaling_search.core.child_interpreter import child_command
from scaling_search.latency.conditions import DEVICE_ALLOCATOR, machine_name
from scaling_search.latency.job import ProcessRun, TimeJob, WarmUp

# For building, compiling and the search for a plateau; a process that takes longer hangs.
SET_UP_SECONDS = 1800.0
GIB = str(1 << 30)
HUGE_PAGES = "glibc.malloc.hugetlb=1"
_SITTINGS = TypeAdapter(ProcessRun)


def in_child(job: TimeJob, process: int, batches: tuple[int, ...] | None) -> ProcessRun:
    """Let a fresh process sit for the job; one that dies or hangs is a sitting of failures."""
    order = {"job": asdict(job), "process": process, "batches": batches}
    limit = SET_UP_SECONDS + 2 * job.budget.sitting_seconds
    try:
        done = _child(order, interpreter_settings(job.place.threads), limit)
    except subprocess.TimeoutExpired:
        return failed(job, f"no answer within {limit:.0f} s")
    if done.returncode != 0:
        words = done.stderr.strip().rpartition("\n")[2] or "nothing"
        return failed(job, f"the process ended with status {done.returncode}, saying {words}")
    return _SITTINGS.validate_json(_answer_in(done.stdout))


def failed(job: TimeJob, reason: str) -> ProcessRun:
    """A sitting in which nothing could be timed."""
    return ProcessRun(tuple(WarmUp(1, failure=reason) for _ in job.line_up), (), (), {})


def machine_of(device: str) -> str:
    """The device in words. A GPU is asked by a child, or this process would live on it too."""
    if device == "cpu":
        return machine_name(device)
    return _facts_of(device)["machine"]


def memory_of(gpu: str) -> int:
    """The bytes of a GPU's memory, asked like its name."""
    return int(_facts_of(gpu)["memory"])


def uuid_of_gpu(gpu: str) -> str:
    """A GPU's UUID ("GPU-8f3c…"), asked like its name."""
    return _facts_of(gpu)["uuid"]


@cache
def _facts_of(gpu: str) -> dict[str, str]:
    done = _child({"facts_of": gpu}, interpreter_settings(1), SET_UP_SECONDS)
    done.check_returncode()
    return dict(json.loads(_answer_in(done.stdout)))


def _answer_in(printed: str) -> str:
    """The last line; what is printed while a process starts comes before it."""
    return printed.rpartition("\n")[2]


def interpreter_settings(threads: int) -> dict[str, str]:
    """What an interpreter that runs networks on a CPU must find when it starts.

    glibc gives big blocks back to the system at every step and takes them anew, which costs up to
    a third of a small network's time; with the thresholds at 1 GiB it keeps them. In huge pages,
    where the system gives them to who asks, a small network trains faster by a twentieth. On a GPU
    segments that grow leave no gaps between the memory of one network and the next; what the user
    has set of torch's allocator stays.

    Examples:
        >>> from scaling_search.latency.process_runner import interpreter_settings
        >>> interpreter_settings(1)["OMP_NUM_THREADS"]
        '1'
    """
    ours = not any(name in os.environ for name in DEVICE_ALLOCATOR)
    tunables = [os.environ.get("GLIBC_TUNABLES", ""), HUGE_PAGES]
    return {
        "OMP_NUM_THREADS": str(threads),
        "MALLOC_MMAP_THRESHOLD_": GIB,
        "MALLOC_TRIM_THRESHOLD_": GIB,
        "GLIBC_TUNABLES": ":".join(filter(None, tunables)),
        **({DEVICE_ALLOCATOR[0]: "expandable_segments:True"} if ours else {}),
    }


def _child(
    order: dict[str, Any], environment: Mapping[str, str], limit: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        child_command("scaling_search.latency.process_main"),
        input=json.dumps(order),
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=limit,
        check=False,
    )
