"""The program as its user meets it: what it prints, and how it ends when something is wrong."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.cli.main import main, os_error_line
from scaling_search.cli.verbs import VERBS
from scaling_search.core.pixel_rules import PIXEL_RULES
from scaling_search.data.sources.folder_scan import FOLDER_RULES as OF_FOLDERS
from scaling_search.experiment.study_file import to_toml
from tests.no_pictures import no_pictures
from tests.tiny import TINY

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Call:
    """Run the program in an empty directory; its exit status, what it printed, what it said."""
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scaling-search", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return called


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(call: Call, verb: str) -> None:
    status, printed, _ = call(verb, "--help")
    assert status == 0
    assert f"Example: scaling-search {verb}" in " ".join(printed.split())


COMPLETED = {
    "ru": ["run"],
    "run --preset cifar": ["cifar10-b0"],
    "init fash": ["fashion-mnist"],
    "count resnet-3": ["resnet-34"],
    "networks mic": ["micro"],
}


@pytest.mark.parametrize("begun", COMPLETED)
def test_a_shell_completes_verbs_presets_and_networks(
    call: Call, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    monkeypatch.setenv("_SCALING_SEARCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"scaling-search {begun}")
    monkeypatch.setenv("COMP_CWORD", str(len(begun.split())))
    status, printed, _ = call()
    assert (status, printed.split()) == (0, COMPLETED[begun])


BROKEN = {
    "tolerance = 0.2": ("tolerance = 0.5", "growth tolerance must lie in (0, 0.5), got 0.5"),
    "growth = 2.0": ("growth = -0.5", "growth must be positive, finite and other than 1, got -0.5"),
    'base = "micro"': ('base = "mikro"', "unknown network 'mikro': did you mean micro?"),
    'name = "typefaces"': ('name = "typeface"', "did you mean 'typefaces'?"),
    "base_px = 16": ("base_px = 5", "the strides of micro need images of at least 8 px, got 5"),
    "batch_size = 32": ("batch_size = 999", "a batch of 999 needs at least as many training"),
    'strategy = "tpe"': ('strategi = "tpe"', "unknown key 'search.strategi': known are strategy"),
    "train_images = 200": ("train_images = 0", "train_images must be at least 1, got 0"),
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_wrong_study_is_refused_in_one_line_and_leaves_nothing_behind(
    call: Call, tmp_path: Path, line: str
) -> None:
    wrong, said = BROKEN[line]
    assert line in to_toml(TINY)
    (tmp_path / "mine.toml").write_text(to_toml(TINY).replace(line, wrong, 1))
    status, printed, complaint = call("run", "mine.toml")
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "a run needs a study file or a --preset, got neither: try --preset demo"),
        (("run", "x.toml", "--preset", "demo"), "got both"),
        (("run", "--preset", "dmo"), "unknown preset 'dmo': did you mean demo?"),
        (("run", "none.toml"), "none.toml': No such file"),
        (("run", "--preset", "demo", "--device", "tpu"), "device must be auto, cpu"),
        (("run", "--preset", "demo", "--workers", "-2"), "workers must be 0 or more, got -2"),
        (("count", "efficientnet-b9"), "unknown network 'efficientnet-b9': did you mean"),
        (("count", "micro", "--px", "3"), "need images of at least 8 px, got 3"),
        (("train", "micro", "--data", "mnist"), "data set must be one of typefaces"),
        (("train", "micro", "--seeds", "0"), "a training needs at least 1 seed, got 0"),
        (("train", "micro", "--data", "imagefolder"), "imagefolder needs a root"),
        (("train", "micro", "--data", "imagefolder", "--root", "no"), "no"),
        (("family", "micro", "--phis", "a:b"), "phis must look like 0:7 or 0,0.5,1, got 'a:b'"),
        (("family", "micro", "--alpha", "-1"), "alpha must be a positive number, got -1"),
        (("report", "nowhere"), "nowhere"),
        (("runn",), "No such command 'runn'"),
        (("run", "--presett", "demo"), "No such option: --presett"),
    ],
)
def test_a_wrong_request_ends_with_2_and_one_line(
    call: Call, words: tuple[str, ...], said: str
) -> None:
    status, printed, complaint = call(*words)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_a_directory_that_can_not_be_made_is_named(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    status, _, complaint = call("run", "mine.toml", "--out", "file/inside")
    assert status == 2
    assert "the run directory must be writable, got 'file/inside'" in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_networks_shows_the_sides_of_the_feature_maps(call: Call) -> None:
    status, printed, _ = call("networks", "--json")
    rows = {row["network"]: row for row in json.loads(printed)}
    assert status == 0
    assert rows["efficientnet-b0"]["feature_maps_px"] == "112 56 28 14 7"
    assert rows["efficientnet-b0-small"]["feature_maps_px"].split()[-1] == "4"
    assert rows["efficientnet-b7"]["macs"] == 37_745_884_192


def test_early_strides_are_dropped_for_small_images_and_said(call: Call) -> None:
    (row,) = json.loads(call("networks", "efficientnet-b0", "--px", "32", "--json")[1])
    assert row["dropped_strides"] == "stem 2→1, stage 2 2→1"
    assert row["feature_maps_px"] == "32 16 8 4"


def test_a_base_that_ends_in_too_small_a_map_is_warned_of(call: Call) -> None:
    status, _, warned = call("networks", "micro")
    assert status == 0
    assert "micro ends in a map of 3 px for images of 24 px, less than 4" in warned


def test_count_shows_a_row_a_stage_and_their_total(call: Call) -> None:
    status, printed, _ = call("count", "efficientnet-b7", "--json")
    *rows, total = json.loads(printed)
    assert status == 0
    assert len(rows) == 9  # stem, seven stages, head
    for quantity, exact in (("macs", 37_745_884_192), ("params", 66_347_960)):
        assert sum(row[quantity] for row in rows) == total[quantity] == exact


def test_count_prints_a_table_for_people(call: Call) -> None:
    _, printed, _ = call("count", "efficientnet-b7")
    assert "37,745,884,192" in printed
    assert "efficientnet-b7 at 600 px" in printed


def test_family_shows_nominal_and_real_growth(call: Call) -> None:
    _, printed, _ = call("family", "efficientnet-b0", "--phis", "0:1", "--json")
    network = json.loads(printed)[1]
    assert (network["nominal_growth"], network["growth"]) == (1.92, 2.573)
    _, measured, _ = call(
        "family", "efficientnet-b0", "--phis", "1", "--budget", "measured", "--json"
    )
    assert abs(json.loads(measured)[0]["growth"] - 2) < 0.02


def test_datasets_are_listed_and_checked(call: Call) -> None:
    assert "typefaces" in call("datasets")[1]
    (row,) = json.loads(call("datasets", "typefaces", "--json")[1])
    assert (row["classes"], row["test_images"]) == (20, 2000)


def test_run_prints_the_answer_and_report_draws_it_again(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    status, printed, said = call("run", "mine.toml", "--workers", "0", "--device", "cpu")
    assert status == 0
    *lines, report = printed.splitlines()
    assert report == "runs/tiny/report.html"
    assert [line.split(",")[0] for line in lines[:1]] == ["With each step of φ"]
    assert len(lines) == 4
    assert "comparison: " in said
    status, again, _ = call("report", "runs/tiny")
    assert (status, again) == (0, printed)
    with no_pictures():
        values = json.loads(call("report", "runs/tiny", "--json")[1])
    assert len(values["comparison"]) == 5
    assert values["constants"]["trained"] == 4


def test_train_trains_one_network_and_scores_it(call: Call, tmp_path: Path) -> None:
    words = ("train", "micro", "--px", "16", "--epochs", "1", "--train-images", "200")
    status, printed, _ = call(*words, "--workers", "0", "--json")
    assert status == 0
    (row,) = json.loads(printed)
    assert (row["network"], row["px"], row["status"]) == ("micro", 16, "finished")
    assert 0 <= row["test_top1_percent"] <= 100
    assert (tmp_path / row["weights"]).is_file()


def test_compare_takes_constants_and_makes_no_search(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    constants = ("--alpha", "1.2", "--beta", "1.1", "--gamma", "1.15")
    with no_pictures():
        status, printed, _ = call("compare", *constants, "mine.toml", "--workers", "0", "--json")
    assert status == 0
    assert json.loads(printed)["constants"] is None
    assert len(json.loads(printed)["comparison"]) == 5


def test_compare_holds_constants_against_the_rivals_that_are_named(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    words = ("--alpha", "1.05", "--beta", "1.1", "--gamma", "1.3", "mine.toml")
    named = ("--rivals", "paper,old=1.3/1.1/1.1", "--workers", "0", "--json")
    with no_pictures():
        status, printed, _ = call("compare", *words, *named)
    assert status == 0
    assert [row["rival"] for row in json.loads(printed)["gains"]] == ["paper", "old"]
    status, _, said = call("compare", *words, "--rivals", "papr")
    assert status == 2
    assert "did you mean paper?" in said


def test_datasets_says_its_rules_and_what_it_made_of_unusual_images(
    call: Call, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        for kind in ("ill", "well"):
            (tmp_path / "scans" / split / kind).mkdir(parents=True)
            for number in range(3):
                values = np.linspace(0, 4095, 64).reshape(8, 8).astype(np.uint16) + number
                Image.fromarray(values).save(tmp_path / "scans" / split / kind / f"{number}.png")
    status, _, said = call("datasets", "imagefolder", "--root", "scans")
    assert status == 0
    for rule in (*PIXEL_RULES, *OF_FOLDERS):
        assert said.count(rule) == 1
    assert "12 images of 16-bit values, 0 to 4097, scaled: 0 is black and 65535 white" in said
    assert "show next to nothing" in said
    words = ("datasets", "imagefolder", "--root", "scans", "--value-range", "0,4097", "--json")
    (row,) = json.loads(call(*words)[1])
    note = row["notes"][0]
    assert "0 is black and 4097 white" in note


def test_every_rule_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "your-images.md").read_text(encoding="utf-8")
    plain = " ".join(text.replace("`", "").split()).lower()
    for rule in (*PIXEL_RULES, *OF_FOLDERS):
        assert rule.lower() in plain, rule


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ground", "pink"), "ground must be one of white, black, grey, got 'pink'"),
        (("--value-range", "4095"), "value-range must look like 0,4095, got '4095'"),
        (("--value-range", "5,5"), "two different finite values"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_in_one_line(
    call: Call, words: tuple[str, ...], said: str
) -> None:
    status, printed, complaint = call("datasets", "imagefolder", "--root", ".", *words)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_it_prints_its_version_and_ends(call: Call) -> None:
    status, printed, said = call("--version")
    assert (status, printed, said) == (0, f"scaling-search {version('scaling-search')}\n", "")


def test_a_full_quota_says_what_is_kept_and_other_faults_do_not() -> None:
    full = os_error_line(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "runs/a"))
    assert full.startswith("Disk quota exceeded: runs/a; every result so far is kept: make room")
    denied = os_error_line(PermissionError(errno.EACCES, "Permission denied", "runs/a"))
    assert denied == "Permission denied: runs/a"


def test_an_unknown_tracker_is_refused_before_anything_is_written(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    status, _, complaint = call("run", "mine.toml", "--track", "tensorbord")
    assert status == 2
    assert complaint == "a tracker is one of tensorboard, wandb, mlflow, got 'tensorbord'\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_a_run_that_is_tracked_says_where_and_has_a_folder_for_each_training(
    call: Call, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    words = ("search", "mine.toml", "--workers", "0", "--device", "cpu", "--track", "tensorboard")
    status, _, said = call(*words)
    assert status == 0
    assert "tensorboard is told of each training: tensorboard --logdir runs/tiny/tensor" in said
    ledger = (tmp_path / "runs/tiny/ledger.jsonl").read_text().splitlines()
    trained = [line for line in ledger if '"training"' in line]
    assert len(list((tmp_path / "runs/tiny/tensorboard").iterdir())) == len(trained)


def test_a_training_that_failed_is_a_line_with_the_way_out_and_never_a_repr(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "steep.toml").write_text("learning_rate = 1e6\nwarmup_epochs = 0\nclip_norm = 0\n")
    options = ("--train-images", "200", "--epochs", "1", "--recipe")
    words = (
        "train",
        "nano",
        *options,
        str(tmp_path / "steep.toml"),
        "--workers",
        "0",
        "--out",
        str(tmp_path / "run"),
    )
    status, printed, said = call(*words)
    assert status == 1
    assert "None" not in printed
    last = said.strip().splitlines()[-1]
    assert last.startswith("nano, seed 0: diverged: the ")
    assert last.endswith("; lower the learning rate; as it is, --retry-failed tries it again")
    assert "Diverged(" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("family", "nano", "--phis", "0:100000000000"), "phis rise, 1000 at most, got"),
        (("family", "nano", "--phis", "5:1"), "phis rise, 1000 at most, got '5:1'"),
        (("family", "nano", "--phis", "1e9"), "φ must keep α^φ, β^φ and γ^φ finite, got 1e+09"),
        (("count", "micro", "--px", "9999999999999"), "images have at most 1000000 px a side"),
        (("networks", "micro", "--px", "0"), "images need a side of at least 1 px, got 0"),
    ],
)
def test_numbers_that_no_network_has_are_refused_in_one_line(
    call: Call, words: tuple[str, ...], said: str
) -> None:
    status, printed, errors = call(*words)
    assert (status, printed) == (2, "")
    assert said in errors
