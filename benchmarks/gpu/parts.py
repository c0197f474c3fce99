"""All parts in the order of their importance, each with the seconds that it may take on a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gpu.arithmetic import arithmetic_part
from gpu.captured import captured_part
from gpu.card import Card
from gpu.cards import cards_part
from gpu.check import Check
from gpu.compiled import compiled_part
from gpu.environment import environment_part
from gpu.graphs import graphs_part
from gpu.latency import latency_part
from gpu.marked_tests import marked_tests_part
from gpu.memory import memory_part
from gpu.product import product_part
from gpu.resumption import resumption_part
from gpu.sharing import sharing_part
from gpu.throughput import throughput_part
from gpu.waiting import waiting_part

Work = Callable[[Card, Path], Iterator[Check]]
"""From a card and the folder of its results to checks, as they come."""


@dataclass(frozen=True)
class Part:
    """A part by its name; it is ended after so many seconds."""

    name: str
    seconds: float
    work: Work


PARTS = (
    Part("environment", 20, environment_part),
    Part("arithmetic", 20, arithmetic_part),
    Part("graphs", 50, graphs_part),
    Part("synchronisations", 30, waiting_part),
    Part("resumption", 75, resumption_part),
    Part("memory", 60, memory_part),
    Part("latency-1", 130, partial(latency_part, batch=1)),
    Part("throughput", 90, throughput_part),
    Part("captured", 90, captured_part),
    Part("sharing", 40, sharing_part),
    Part("cards", 90, cards_part),
    Part("product", 120, product_part),
    Part("marked-tests", 120, marked_tests_part),
    Part("compiled", 120, compiled_part),
    Part("latency-64", 100, partial(latency_part, batch=64)),
)


def part_named(name: str) -> Part:
    """The part of this name; raises LookupError."""
    return next(part for part in PARTS if part.name == name)
