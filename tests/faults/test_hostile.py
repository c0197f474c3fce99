"""Fault 16: files that mean harm are refused in one line; nothing of them is executed."""

from __future__ import annotations

import ast
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

import scaling_search
from scaling_search.core.errors import UserError
from scaling_search.experiment.network_file import network_from_toml
from scaling_search.experiment.study_file import from_toml
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.ledger_format import ledger_line
from scaling_search.training.checkpoint import Checkpoint, save, valid_checkpoints
from tests.jobs.small import JOB

STUDY = "name = 'x'\n"
HOSTILE = {
    "a name that leads out": "name = '../../outside'",
    "a name that is a path": "name = '/tmp/outside'",
    "a name with a line break": 'name = "a\\nb"',
    "a name that only ends well": 'name = "x\\n"',
    "deep arrays": f"a = {'[' * 10_000}{']' * 10_000}",
    "deep tables": f"a = {'{b = ' * 10_000}1{'}' * 10_000}",
    "a deep key": f"{STUDY}{'a.' * 2_000}b = 1",
    "a number of a million digits": f"{STUDY}base_px = {'9' * 1_000_000}",
    "more pixels than atoms": f"{STUDY}base_px = {10**80}",
    "more epochs than a float can count": f"{STUDY}[compare]\nepochs = {10**400}",
    "an infinite learning rate": f"{STUDY}[recipe]\nlearning_rate = inf",
    "a space of quadrillions": f"{STUDY}[space]\nalpha = {{low = 1, high = 1e6, step = 1e-9}}",
    "a growth beyond all floats": f"{STUDY}[budget]\ngrowth = 1e300\n[compare]\nphis = [1e300]",
    "a base that is code": f"{STUDY}base = 'os:system'\nbase_px = 32",
    "a network that is a device": f"{STUDY}base = '/dev/null.toml'",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_study_is_refused_in_one_line(kind: str) -> None:
    with pytest.raises(UserError) as refused:
        from_toml(HOSTILE[kind], "mine.toml")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("size", ["repeats", "channels", "kernel", "stride", "expansion"])
def test_a_network_of_astronomic_size_is_refused_before_it_is_counted(size: str) -> None:
    stage = {"block": "'mbconv'", "channels": 8, "repeats": 1, size: 10**12}
    keys = "\n".join(f"{key} = {value}" for key, value in stage.items())
    head = "name = 'm'\nresolution_px = 32\nstem_channels = 8\nhead_channels = 8\n[[stages]]\n"
    with pytest.raises(UserError):
        network_from_toml(head + keys)


class Harm:
    """Unpickled, it makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("write", ["pickle", "torch", "text", "nothing"])
def test_another_file_under_a_checkpoints_right_name_is_passed_over_and_not_executed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, write: str
) -> None:
    target, folder = tmp_path / "harm", tmp_path / "kept"
    save(folder, Checkpoint(1, {"weight": torch.ones(3)}, {}))
    made = tmp_path / "made"
    writes: dict[str, Callable[[], object]] = {
        "pickle": lambda: made.write_bytes(pickle.dumps(Harm(target))),
        "torch": lambda: torch.save(Harm(target), made),
        "text": lambda: made.write_text("import os"),
        "nothing": lambda: made.write_bytes(b""),
    }
    writes[write]()
    digest = hashlib.sha256(made.read_bytes()).hexdigest()[:16]
    made.rename(folder / f"000000002-{digest}.safetensors")
    assert [kept.step for kept in valid_checkpoints(folder, at_most=9)] == [1]
    assert "is none of ours" in caplog.text
    assert not target.exists()


@pytest.mark.parametrize("record", [None, "[" * 100_000, "no JSON", json.dumps("a string")])
def test_tensors_without_our_record_are_passed_over(tmp_path: Path, record: str | None) -> None:
    metadata = None if record is None else {"record": record}
    payload = safetensors.torch.save({"weight": torch.ones(3)}, metadata)
    digest = hashlib.sha256(payload).hexdigest()[:16]
    (tmp_path / f"000000002-{digest}.safetensors").write_bytes(payload)
    assert list(valid_checkpoints(tmp_path, at_most=9)) == []


@pytest.mark.parametrize(
    "record",
    [
        "no JSON",
        "[" * 100_000,
        "7",
        "{}",
        '{"result": {"kind": "finished"}}',
        '{"result": {"kind": "of another version"}}',
    ],
)
def test_a_right_checksum_over_a_strange_record_is_refused_in_one_line(
    tmp_path: Path, record: str
) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(ledger_line(JOB.hash, record.encode()))
    refused = pytest.raises(UserError, match="a ledger's record must be one that this version")
    with Ledger(path) as ledger, refused:
        ledger.get(JOB)


# Whatever turns text into code, or opens a port.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "socketserver", "http.server", "xmlrpc.server"}


def offends(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=function, keywords=keywords):
            name = ast.unparse(function)
            safely = any(ast.unparse(keyword) == "weights_only=True" for keyword in keywords)
            return name in FORBIDDEN_CALLS or (name == "torch.load" and not safely)
        case ast.Import(names=names):
            return any(name.name in FORBIDDEN_MODULES for name in names)
        case ast.ImportFrom(module=module):
            return module in FORBIDDEN_MODULES
    return False


def test_the_package_evaluates_no_text_unpickles_nothing_and_serves_only_when_asked() -> None:
    package = Path(scaling_search.__path__[0])
    offences = {
        (str(path.relative_to(package)), ast.unparse(node).split(" import")[0])
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if offends(node) and isinstance(node, ast.stmt | ast.expr)
    }
    # `watch` alone serves, on the loopback: tests/experiment/test_watch_server.py.
    assert offences == {("experiment/watch_server.py", "from http.server")}
