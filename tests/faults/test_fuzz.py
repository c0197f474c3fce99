"""Study files and ledgers of any content: never a traceback, never a write outside the run."""

from __future__ import annotations

import dataclasses
import io
import math
import os
import random
import tempfile
import tomllib
import types
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from unittest.mock import patch

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.cli.run import run_command
from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo
from scaling_search.doctor.examine import examine
from scaling_search.experiment import opening, pipeline
from scaling_search.experiment.runner import Runner
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.ledger import Ledger
from scaling_search.search.space import Budget
from tests.faults.study import STUDY
from tests.jobs.small import job
from tests.trainings import finished

QUICKLY = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
INFO = DataInfo("typefaces", ("a", "b"), 1, 32, 4000, 400, 2000, 1 << 22, "0123456789abcdef")

STRINGS = st.one_of(
    st.sampled_from(["../../out", "/tmp/out", "..", "", "\x00", "a\nb", "[/b]", "os:system"]),
    st.just("é" * 300),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 2, 10**9, 2**31, 2**32, 2**63, 10**40]),
    st.sampled_from([0.0, -0.0, 1e-300, 0.5, 1.0, 1e300, math.inf, -math.inf, math.nan]),
    st.integers(),
    st.floats(),
)
ANYTHING = st.recursive(
    st.one_of(st.booleans(), STRINGS, NUMBERS, st.dates()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=6,
)


@cache
def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values that a field of this type might hold in a file, and some that it may not."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(parts) | STRINGS
    if origin in (Union, types.UnionType):
        return st.one_of([of_type(part) for part in parts if part is not types.NoneType])
    if origin is tuple:
        return st.lists(of_type(parts[0]), max_size=3)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return table(kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(-2, 40) | st.sampled_from([2**31, 2**32 - 1]) | NUMBERS
    if kind is float:
        return st.floats(-1.0, 3.0) | st.sampled_from([1e-300, 1e9, 4e9]) | NUMBERS
    return STRINGS


@cache
def table(kind: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A table with some of the fields of a dataclass, seldom with a value or a key that is none."""
    types_of = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    fields = {name: of_type(types_of[name]) for name in names}
    proper = st.fixed_dictionaries({}, optional=fields)
    odd = st.tuples(proper, st.sampled_from(names) | STRINGS, ANYTHING)
    return proper | odd.map(lambda drawn: {**drawn[0], drawn[1]: drawn[2]})


BASES = (
    STUDY,
    replace(STUDY, network=replace(zoo.get("micro"), resolution_px=16)),
    replace(STUDY, compare=replace(STUDY.compare, constants=Coefficients(1.2, 1.1, 1.15))),
    replace(STUDY, budget=Budget("activations", tolerance=0.3, constraint="nominal")),
)
Path_ = tuple[str | int, ...]


def leaves(value: Any, kind: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """The place and the type of every plain value within a dataclass."""
    if dataclasses.is_dataclass(value):
        hints = get_type_hints(type(value))
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name), hints[field.name], (*path, field.name))
    elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        for index, each in enumerate(value):
            yield from leaves(each, type(each), (*path, index))
    else:
        yield path, kind


def put(values: Any, path: Path_, value: object) -> None:
    for step in path[:-1]:
        values = values[step]
    values[path[-1]] = value


FILES = [(to_toml(study), list(leaves(study, Study))) for study in BASES]


@st.composite
def edited(draw: st.DrawFn) -> dict[str, Any]:
    """A study that could be run, but for one to three values."""
    text, places = draw(st.sampled_from(FILES))
    values = tomllib.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        path, kind = draw(st.sampled_from(places))
        put(values, path, draw(of_type(kind)))
    return values


def mutated(content: bytes, longest: int = 3) -> st.SearchStrategy[bytes]:
    """The content with a few bytes put in place of others."""
    written = st.text("0123456789.-e'\"[]{}=\n", max_size=3).map(str.encode) | st.binary(max_size=2)
    edit = st.tuples(st.integers(0, len(content)), st.integers(0, longest), written)

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        changed = content
        for begin, length, put in edits:
            changed = changed[:begin] + put + changed[begin + length :]
        return changed

    return st.lists(edit, min_size=1, max_size=3).map(apply)


@dataclass(frozen=True)
class Sandbox:
    """A folder to run in, with files around it that nobody may touch."""

    root: Path

    @property
    def inside(self) -> Path:
        return self.root / "deep" / "inside"

    def outside(self) -> dict[str, bytes]:
        """Whatever lies in the folder, but for the run directories and the study."""
        found: dict[str, bytes] = {}
        for folder, _, names in os.walk(self.root):
            if not Path(folder).is_relative_to(self.inside / "runs"):
                found |= {f"{folder}/{name}": (Path(folder) / name).read_bytes() for name in names}
        return found


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    with tempfile.TemporaryDirectory() as folder:
        made, before = Sandbox(Path(folder)), Path.cwd()
        made.inside.mkdir(parents=True)
        for sentinel in (made.root, made.root / "deep", made.inside):
            (sentinel / "sentinel").write_text("untouched")
        os.chdir(made.inside)
        try:
            yield made
        finally:
            os.chdir(before)


class ReachedError(Exception):
    """Nothing is left but the trainings."""


def without_training(drive: Runner, out: Path, search_only: bool) -> None:
    """All of a run but its trainings: its candidates, its first jobs, its members."""
    experiment = drive.experiment
    if experiment.study.budget.resource == "latency":
        raise ReachedError
    constants = experiment.study.compare.constants
    if constants is None:
        assert experiment.search(drive.ledger.get).state().missing
        constants = experiment.pool[0].coefficients
    experiment.members(constants)
    raise ReachedError


def refused_or_run(content: bytes) -> None:
    """The verb on this study file: refused in one line, or as far as its first training."""
    with (
        sandbox() as made,
        redirect_stderr(io.StringIO()),
        patch.object(opening, "describe", lambda *_, **__: INFO),
        patch.object(pipeline, "_run", without_training),
    ):
        (made.inside / "mine.toml").write_bytes(content)
        before, said = made.outside(), "said nothing"
        try:
            run_command(Path("mine.toml"), device="cpu", workers=0)
        except ReachedError:
            assert (made.inside / "runs").is_dir()
        except UserError as refused:
            said = str(refused)
        assert len(said.splitlines()) == 1
        assert len(said) < 3000
        assert made.outside() == before


def toml_of(values: dict[str, Any]) -> bytes:
    try:
        return tomli_w.dumps(values).encode(errors="surrogatepass")
    except (TypeError, ValueError, AttributeError):
        return b""  # nothing that TOML can say


@QUICKLY
@given(table(Study), STRINGS | st.just("mine"))
def test_any_table_for_a_study(values: dict[str, Any], name: str) -> None:
    refused_or_run(toml_of({"name": name, **values}))


@QUICKLY
@given(edited())
def test_any_value_in_a_study(values: dict[str, Any]) -> None:
    refused_or_run(toml_of(values))


@QUICKLY
@given(mutated(to_toml(BASES[1]).encode()))
def test_any_damage_to_a_study_file(content: bytes) -> None:
    refused_or_run(content)


JOBS = [job(seed=seed) for seed in range(4)]
RESULTS = [finished(seed / 8) for seed in range(4)]


@cache
def ledger_of_four() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        with Ledger(path) as ledger:
            for each, result in zip(JOBS, RESULTS, strict=True):
                ledger.accept(each, result, {})
        return path.read_bytes()


@QUICKLY
@given(mutated(ledger_of_four(), longest=5000), st.integers(0, 5))
def test_any_damage_to_a_ledger_costs_results_and_never_changes_one(
    content: bytes, shuffled: int
) -> None:
    lines = content.splitlines(keepends=True)
    if shuffled:
        random.Random(shuffled).shuffle(lines)
    with sandbox() as made:
        path = made.inside / "runs" / "r" / "ledger.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(lines))
        before = made.outside()
        found = examine(path.parent)
        assert path.read_bytes() == b"".join(lines)
        with Ledger(path) as ledger:
            held = [ledger.get(each) for each in JOBS]
            lost = held.count(None)
            assert all(kept in (None, true) for kept, true in zip(held, RESULTS, strict=True))
            assert len(ledger) + lost == len(JOBS)
            taken = [ledger.accept(e, r, {}) for e, r in zip(JOBS, RESULTS, strict=True)]
            assert taken.count(True) == lost
        with Ledger(path) as ledger:
            assert [ledger.get(each) for each in JOBS] == RESULTS
        assert made.outside() == before
        assert found
