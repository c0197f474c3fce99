"""When a failed training is tried again: once what it failed of is no longer what it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import assert_never

import torch

from scaling_search.core.errors import require
from scaling_search.jobs.result import (
    Diverged,
    Failed,
    Finished,
    Lost,
    OutOfMemory,
    Result,
    TimedOut,
)
from scaling_search.latency.process_runner import memory_of

MORE_MEMORY = 1.05  # a machine of the same kind has a little more or less than another
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Circumstances:
    """What a failure may hang on besides its job, as plain text for the ledger.

    `code` is a digest of this package's text and torch's version, `memory` the bytes that there are
    for one training.
    """

    device: str
    code: str
    memory: str
    limit_seconds: float | None

    @property
    def noted(self) -> dict[str, str]:
        """What is written beside a failed result."""
        return {"code": self.code, "memory": self.memory}

    def reason_to_retry(self, result: Result, where: Mapping[str, str]) -> str:
        """What has changed since a result of these circumstances; empty where nothing has.

        What the ledger of an earlier version does not say counts as changed.
        """
        match result:
            case Finished() | Diverged():
                return ""
            case TimedOut():
                return self._other_device(where) or self._higher_limit(result.limit_seconds)
            case OutOfMemory():
                return self._other_device(where) or self._more_memory(where)
            case Failed():
                return self._other_device(where) or self._other_code(where)
            case Lost():
                changed = self._other_device(where) or self._other_code(where)
                return changed or self._more_memory(where)
            case _:
                assert_never(result)

    def _other_device(self, where: Mapping[str, str]) -> str:
        device = where.get("device")
        return "" if device == self.device else f"the device was {device}"

    def _higher_limit(self, earlier_limit: float) -> str:
        limit = self.limit_seconds
        return (
            f"the limit was {earlier_limit:g} s" if limit is None or limit > earlier_limit else ""
        )

    def _more_memory(self, where: Mapping[str, str]) -> str:
        earlier = where.get("memory", "0")
        more = earlier.isdecimal() and int(self.memory) > MORE_MEMORY * int(earlier)
        return "there was less memory" if more else ""

    def _other_code(self, where: Mapping[str, str]) -> str:
        return "" if where.get("code") == self.code else "the code was another"


def circumstances(
    name: str, device: str, trainings_at_once: int, limit_seconds: float | None
) -> Circumstances:
    """This machine's, for so many trainings at once on a torch device that has this name."""
    rule = "a limit of seconds for a training must be above 0"
    require(limit_seconds is None or limit_seconds > 0, rule, limit_seconds)
    memory = memory_bytes(device) // max(1, trainings_at_once)
    return Circumstances(name, code_digest(), str(memory), limit_seconds)


@lru_cache(maxsize=1)
def code_digest() -> str:
    """16 hex digits of this package's text and torch's version."""
    hashed = hashlib.sha256(torch.__version__.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


def memory_bytes(device: str) -> int:
    """The bytes of a GPU's memory, or those that this machine has and a container allows."""
    if device.startswith("cuda"):
        return memory_of(device)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = CGROUP_LIMIT.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(allowed)) if allowed.isdecimal() else physical
