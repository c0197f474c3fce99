"""Which trackers there are, and what is said of one that is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.trackers import choice, opening
from scaling_search.trackers.choice import chosen_trackers


def test_none_is_chosen_unless_asked_for() -> None:
    assert chosen_trackers([]) == ()


def test_an_unknown_tracker_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="one of tensorboard, wandb, mlflow, got 'tensorbord'"):
        chosen_trackers(["tensorbord"])


@pytest.mark.parametrize("name", choice.TRACKERS)
def test_a_missing_package_is_one_line_that_says_how_it_is_installed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    monkeypatch.setattr(choice, "find_spec", lambda package: None)
    with pytest.raises(UserError, match=rf"--track {name} needs the package .*pip install"):
        chosen_trackers([name])


def test_a_folder_of_a_trackers_name_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()  # as wandb leaves behind where it runs
    code = (
        "import sys; sys.path = ['', *(p for p in sys.path if 'wandb' not in p)]\n"
        "from scaling_search.trackers.choice import chosen_trackers\n"
        "print(chosen_trackers(['wandb']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    installed = "('wandb',)" in done.stdout
    assert installed or "needs the package wandb" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a folder that can't be made")
def test_a_folder_that_can_not_be_made_is_said_before_anything_is_trained() -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    with pytest.raises(UserError, match=r"before anything is trained.*leave out --track"):
        opening.opened_sender("tensorboard", "a study", Path("/dev/full"))
