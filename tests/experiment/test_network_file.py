"""The user's own network as a file, and a study that names it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch import zoo
from scaling_search.cli.main import main
from scaling_search.core.errors import UserError
from scaling_search.experiment.network_file import network_from_toml, network_named
from scaling_search.experiment.outcome import redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.study_file import from_toml, read_study, to_toml
from tests.no_pictures import no_pictures
from tests.tiny import TINY

MINE = """name = "mine"
resolution_px = 16
stem_channels = 8
head_channels = 32

[[stages]]
block = "mbconv"
channels = 16
repeats = 2
stride = 2
expansion = 2
"""


def test_every_field_of_the_table_is_a_key() -> None:
    network = network_from_toml(MINE)
    (stage,) = network.stages
    assert (network.name, network.resolution_px, network.total_stride) == ("mine", 16, 4)
    assert (stage.block, stage.channels, stage.repeats, stage.expansion) == ("mbconv", 16, 2, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("channels = 16", 'channels = "many"', "line 8: stages.0.channels: input should be a"),
        ("stride = 2", "strid = 2", "line 10: unknown key 'stages.0.strid': known are block"),
        ("repeats = 2", "repeats = 0", "line 6: stages.0: a stage's sizes must be at least 1"),
        ('block = "mbconv"', 'block = "magic"', "line 7: stages.0.block: input should be"),
        ("resolution_px = 16", "resolution_px = 3", "need images of at least 4 px, got 3"),
        ("stem_channels = 8\n", "", "the key 'stem_channels' is required"),
        ("[[stages]]", "[[stage]]", "is required"),
    ],
)
def test_a_mistake_names_line_key_and_rule(old: str, new: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        network_from_toml(MINE.replace(old, new), "mine.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value)


def test_a_name_is_of_the_zoo_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    assert network_named("micro") == zoo.get("micro")
    assert network_named(str(path)) == network_from_toml(MINE)
    with pytest.raises(UserError, match="a network file must be readable"):
        network_named(str(tmp_path / "none.toml"))


def test_a_file_of_windows_is_read_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "MINE.TOML"
    path.write_bytes(b"\xef\xbb\xbf" + MINE.replace("\n", "\r\n").encode())
    assert network_named(str(path)) == network_from_toml(MINE)
    (tmp_path / "study.toml").write_text('name = "x"\nbase = "MINE.TOML"\n')
    assert read_study(tmp_path / "study.toml").network == network_from_toml(MINE)


def test_a_study_holds_the_table_of_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE)
    (tmp_path / "study.toml").write_text('name = "x"\nbase = "mine.toml"\n')
    study = read_study(tmp_path / "study.toml")
    assert study.network == network_from_toml(MINE)
    assert study.base == "mine"
    assert from_toml(to_toml(study)) == study  # and needs the file no more


def test_a_file_can_not_run_code_that_the_command_line_did_not_ask_for() -> None:
    text = 'name = "x"\nbase = "tests.own_network:make"\nbase_px = 16\n'
    with pytest.raises(UserError, match=r"a file's code is run only .* add --function tests\.own"):
        from_toml(text)
    assert from_toml(text, function="tests.own_network:make").is_function


def test_a_function_needs_the_side_of_its_images() -> None:
    with pytest.raises(UserError, match="a network function needs base_px"):
        from_toml('name = "x"', function="tests.own_network:make")


def test_a_function_goes_the_whole_way_in_worker_processes(tmp_path: Path) -> None:
    own = replace(TINY, base="tests.own_network:make")
    outcome = run(own, tmp_path, device="cpu", workers=2)
    assert outcome.constants is not None
    assert len(outcome.runs) == 10
    assert set(outcome.runs["status"]) == {"finished"}
    with pytest.raises(UserError, match="add --function"):
        redraw(tmp_path)
    with no_pictures():
        again = redraw(tmp_path, function="tests.own_network:make")
    assert again.constants == outcome.constants


def test_a_file_goes_the_whole_way_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(MINE)
    text = to_toml(TINY).replace('base = "micro"', 'base = "mine.toml"')
    (tmp_path / "study.toml").write_text(text)
    words = ["run", "study.toml", "--workers", "0", "--device", "cpu", "--json"]
    monkeypatch.setattr(sys, "argv", ["scaling-search", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert len(json.loads(capsys.readouterr().out)["comparison"]) == 5
