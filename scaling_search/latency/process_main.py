"""A fresh process that sits for one job: an order comes in as JSON, a sitting goes out as JSON.

It is started by `process_runner` and by nobody else.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from dataclasses import asdict

import torch
from pydantic import TypeAdapter

from scaling_search.cost.arithmetic import set_arithmetic
from scaling_search.latency.conditions import machine_name, uuid_of
from scaling_search.latency.cpu import CpuDevice
from scaling_search.latency.job import TimeJob
from scaling_search.latency.measure import measure
from scaling_search.latency.protocol import Device, SystemClock
from scaling_search.nets.compilation import no_fallback

_JOBS = TypeAdapter(TimeJob)


def main() -> None:
    """Do what the order on standard input says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is not the answer
    order = json.load(sys.stdin)
    with answers:
        answers.write("\n" + json.dumps(_answer(order)))  # a line of its own


def _answer(order: dict[str, object]) -> object:
    if "facts_of" in order:
        return _facts(str(order["facts_of"]))
    job = _JOBS.validate_python(order["job"])
    batches = order["batches"]
    torch.set_num_threads(job.place.threads)
    set_arithmetic(job.regime.precision, torch.device(job.place.device))
    batch_sizes = tuple(batches) if isinstance(batches, list) else None
    clock = SystemClock()
    with no_fallback() if job.regime.mode == "compile" else nullcontext():
        return asdict(
            measure(job, int(str(order["process"])), batch_sizes, _device(job, clock), clock)
        )


def _facts(device: str) -> dict[str, str]:
    """The device in words, its memory in bytes, and its UUID."""
    memory = torch.cuda.get_device_properties(device).total_memory
    return {"machine": machine_name(device), "memory": str(memory), "uuid": uuid_of(device)}


def _device(job: TimeJob, clock: SystemClock) -> Device:
    if job.place.device == "cpu":
        return CpuDevice(job.place.threads, clock)
    from scaling_search.latency.cuda_driver import cuda_device

    return cuda_device(job.place.device, clock)
