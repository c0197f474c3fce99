"""An account of memory that shares nothing with ours: the allocations that torch's profiler saw."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile


@dataclass(frozen=True)
class Allocation:
    """A block taken (`size` > 0) or given back; `within` is the outermost operation, if any."""

    at_ns: int
    address: int
    size: int
    within: int | None


def peak_bytes(work: Callable[[], object], device: str = "cpu") -> int:
    """The most bytes held at once during `work` that were taken during it, workspace apart.

    Workspace is what is taken and given back within one operation.
    """
    live = peak = 0
    for each in without_workspace(recorded(work, device)):
        live += each.size
        peak = max(peak, live)
    return peak


def recorded(work: Callable[[], object], device: str) -> list[Allocation]:
    kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device != "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with profile(activities=kinds, profile_memory=True) as profiler:
            work()
    roots = profiler.profiler.kineto_results.experimental_event_tree()
    found = [one for root in roots for one in _walk(root, None, device)]
    return sorted(found, key=lambda each: each.at_ns)


def without_workspace(found: list[Allocation]) -> list[Allocation]:
    taken: dict[int, int] = {}
    dropped: set[int] = set()
    known: set[int] = set()
    for index, each in enumerate(found):
        if each.size > 0:
            taken[each.address] = index
            continue
        if each.address not in taken:
            continue  # taken before the account began
        known.add(index)
        start = taken.pop(each.address)
        if each.within is not None and found[start].within == each.within:
            dropped |= {start, index}
    return [
        each
        for index, each in enumerate(found)
        if index not in dropped and (each.size > 0 or index in known)
    ]


def _walk(event: Any, within: int | None, device: str) -> Iterator[Allocation]:
    if event.tag == _EventType.Allocation:
        fields = event.extra_fields
        if fields.device.type == device.partition(":")[0]:
            yield Allocation(event.start_time_ns, fields.ptr, fields.alloc_size, within)
    inner = event.id if within is None and event.tag == _EventType.TorchOp else within
    for child in event.children:
        yield from _walk(child, inner, device)
