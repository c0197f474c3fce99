"""Presets: each file is a study, and says with which command it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaling_search
from scaling_search.core.errors import UserError
from scaling_search.core.hashing import digest
from scaling_search.experiment.presets import PRESETS, preset
from scaling_search.experiment.study import from_toml, to_toml

FOLDER = Path(scaling_search.__file__).parent / "presets"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_the_way_through_toml(name: str) -> None:
    assert from_toml(to_toml(preset(name))) == preset(name)


@pytest.mark.parametrize("name", PRESETS)
def test_its_file_bears_its_name_and_opens_with_its_command(name: str) -> None:
    first = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    assert preset(name).name == name
    assert first.startswith(f"# scaling-search run --preset {name}")


@pytest.mark.parametrize(
    ("name", "content"), [("demo", "0500a20c1416f4ea"), ("fashion-mnist", "eaa9f9391020356f")]
)
def test_ledgers_of_a_preset_stay_valid(name: str, content: str) -> None:
    assert digest(preset(name)) == content


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean demo"):
        preset("dmo")
