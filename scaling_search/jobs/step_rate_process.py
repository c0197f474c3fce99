"""A process that measures trainings' steps: orders come in as JSON lines, rates go out as such.

It is started by `step_rate_copies` and by nobody else. Once a training is warm it says so, and
waits for a word.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, TextIO

import torch

from scaling_search.core.errors import UserError
from scaling_search.jobs.job import job_from_json
from scaling_search.jobs.step_rate import StepRate, measure_steps


@dataclass
class _Answers:
    to: TextIO
    ready_sent: bool = False

    def ready(self) -> None:
        """Say that the first steps are done, and wait for the others."""
        if not self.ready_sent:
            self.ready_sent = True
            print("ready", file=self.to, flush=True)
            sys.stdin.readline()


def main() -> None:
    """Do what the orders say until standard input ends."""
    torch.set_num_threads(1)
    with os.fdopen(os.dup(1), "w") as to:
        os.dup2(2, 1)  # whatever else is printed is no answer
        while order := sys.stdin.readline():
            answers = _Answers(to)
            rate = _measured(json.loads(order), answers)
            answers.ready()  # of one that never came to a step
            print(json.dumps(asdict(rate)), file=to, flush=True)


def _measured(order: dict[str, Any], answers: _Answers) -> StepRate:
    job, device, seconds = job_from_json(order["job"]), order["device"], order["seconds"]
    try:
        return measure_steps(job, device, time.perf_counter, seconds, answers.ready)
    except UserError as error:
        return StepRate(failure=str(error))
