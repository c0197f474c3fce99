"""The environment: what a result was obtained with, and nothing of whose machine it was."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.jobs import environment as module
from scaling_search.jobs.environment import (
    chosen_device,
    commit_of,
    environment,
    mixture,
    where_in,
    where_on,
)
from scaling_search.latency import gpu_facts
from scaling_search.latency.conditions import machine_name


def test_it_names_versions_machine_and_settings() -> None:
    entries = environment("cpu", 2)
    assert torch.__version__.startswith(entries["torch"])
    assert entries["workers"] == "2"
    assert entries["threads per worker"] == "1"
    assert {"python", "optuna", "numpy", "system", "cores"} <= entries.keys()


def test_the_device_is_named_by_its_model() -> None:
    assert environment("cpu", 0)["device"] == machine_name("cpu") != "cpu"


def test_the_instructions_of_the_cpu_are_named_as_torch_was_told_to_use_them() -> None:
    code = "from scaling_search.jobs.environment import where_on; print(where_on('cpu'))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ATEN_CPU_CAPABILITY": "default"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ast.literal_eval(said) == {"device": machine_name("cpu"), "cpu capability": "DEFAULT"}
    assert where_in(environment("cpu", 2)) == where_on("cpu")


OLD = {"device": "A"}
WITHOUT, WITH = OLD | {"cpu capability": "AVX2"}, OLD | {"cpu capability": "AVX512"}


@pytest.mark.parametrize("wheres", [[], [{}], [OLD, OLD], [WITH, WITH], [OLD, WITH], [{}, WITH]])
def test_what_may_be_of_one_kind_of_device_is_no_mixture(wheres: list[dict[str, str]]) -> None:
    assert mixture(wheres) == ""


def test_kinds_of_device_are_counted_the_most_first() -> None:
    assert mixture([WITH, WITHOUT, WITH]) == "2 on A (AVX512), 1 on A (AVX2)"
    assert mixture([{"device": "B"}, OLD, WITH]) == (
        "1 on A (AVX512), 1 on A (CPU capability unknown), 1 on B (CPU capability unknown)"
    )


def test_no_value_is_empty_or_a_path_of_this_machine() -> None:
    for value in environment("cpu", 2).values():
        assert value
        assert re.search(r"(^|\s)/\w", value) is None


def test_the_commit_is_left_out_where_there_is_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert "git commit" not in environment("cpu", 0)


def committed(root: Path, *names: str) -> str:
    """Make the folder a repository with one commit of these files; the commit."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    settings = ("-c", "user.name=n", "-c", "user.email=n@n", "-c", "init.defaultBranch=main")

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *settings, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    git("add", "--force", *names)
    git("commit", "--message", "all", "--allow-empty")
    return git("rev-parse", "--short=12", "HEAD")


def project(root: Path, name: str) -> Path:
    """The folder of a package in a project of this name."""
    package = root / "scaling_search"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (root / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    return package


def test_a_checkout_of_our_own_is_named_by_its_commit(tmp_path: Path) -> None:
    package = project(tmp_path, "scaling-search")
    commit = committed(tmp_path, ".")
    assert commit_of(package) == commit
    (package / "__init__.py").write_text("changed = True\n")
    assert commit_of(package) == f"{commit}-dirty"


@pytest.mark.parametrize("tracked", [True, False])
def test_installed_inside_a_users_repository_it_names_no_commit_of_theirs(
    tmp_path: Path, tracked: bool
) -> None:
    package = tmp_path / ".venv" / "lib" / "python3.12" / "site-packages" / "scaling_search"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    committed(tmp_path, *(["."] if tracked else []))
    assert commit_of(package) == ""


def test_copied_into_a_users_repository_it_names_no_commit_of_theirs(tmp_path: Path) -> None:
    package = project(tmp_path, "their-own-work")
    committed(tmp_path, ".")
    assert commit_of(package) == ""


def test_a_hook_of_a_users_repository_names_no_commit_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = project(tmp_path / "ours", "scaling-search")
    commit = committed(tmp_path / "ours", ".")
    (tmp_path / "theirs").mkdir()
    assert committed(tmp_path / "theirs", ".") != commit
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert commit_of(ours) == commit


@pytest.mark.parametrize(("there", "device"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_a_gpu_where_there_is_one(
    there: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert chosen_device("auto") == device


@pytest.fixture
def unusable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with two GPUs that torch can't use."""
    for card in ("0000:41:00.0", "0000:c1:00.0"):
        (tmp_path / card).mkdir()
    monkeypatch.setattr(gpu_facts, "CARDS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    module._warn_of_unused.cache_clear()


def refuse() -> bool:
    raise RuntimeError("CUDA unknown error - this may be due to\nan incorrect environment")


def warn() -> bool:
    warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old", stacklevel=1)
    return False


@pytest.mark.usefixtures("unusable")
@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (warn, "is too old"),
        (refuse, "CUDA unknown error - this may be due to"),
        (bool, "none|CUDA"),
    ],
)
def test_auto_says_once_that_it_trains_on_the_cpu_beside_a_gpu(
    ask: Callable[[], bool],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", ask)
    assert [chosen_device("auto"), chosen_device("auto")] == ["cpu", "cpu"]
    (said,) = caplog.messages
    assert re.search(rf"got 2 NVIDIA GPUs that it can't \(.*({why})\), and takes the CPU: ", said)
    assert "\n" not in said


@pytest.mark.usefixtures("unusable")
def test_gpus_that_the_user_hides_are_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert chosen_device("auto") == "cpu"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert chosen_device("cpu") == "cpu"
    monkeypatch.setattr(gpu_facts, "CARDS", Path("/nowhere"))
    assert chosen_device("auto") == "cpu"
    assert caplog.messages == []


def test_on_a_gpu_the_versions_of_cuda_cudnn_and_driver_are_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"
    )
    monkeypatch.setattr(gpu_facts, "MODULE", tmp_path / "version")
    monkeypatch.setattr(gpu_facts, "driver_version", lambda: "")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(module, "machine_of", lambda device: f"a card called {device}")
    monkeypatch.setattr(torch.cuda, "get_device_name", None)  # a context of the driver's
    entries = environment("cuda:1", 1)
    versions = {name: entries[name] for name in ("cuda", "cudnn", "driver", "device")}
    assert versions == {
        "cuda": "13.0",
        "cudnn": "91002",
        "driver": "570.86.15",
        "device": "a card called cuda:1",
    }
    assert not {"cuda", "cudnn", "driver"} & environment("cpu", 1).keys()


def test_a_device_that_is_there_is_taken_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu", "cuda", "cuda:0", "cuda:1"):
        assert chosen_device(name) == name


@pytest.mark.parametrize("asked", ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "CUDA", ""])
def test_an_unknown_device_is_refused_in_one_line(asked: str) -> None:
    with pytest.raises(UserError, match=r"^device must be auto, cpu, cuda or cuda:N, got"):
        chosen_device(asked)


@pytest.mark.parametrize("asked", ["cuda:2", "cuda:99"])
def test_a_gpu_that_is_not_there_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match=r"a CUDA device must be present, got .* choose --device"):
        chosen_device(asked)
