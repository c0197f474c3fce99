"""A folder's class is never guessed from its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torchvision

from scaling_search.core.errors import UserError
from scaling_search.pretrained.classes import imagenet_names, read_mapping, targets, wnids


def test_the_wnids_are_a_thousand_in_the_order_of_their_names() -> None:
    assert len(set(wnids())) == 1000
    assert list(wnids()) == sorted(wnids())


def test_the_wnids_name_what_torchvision_names() -> None:
    known = torchvision.datasets.Imagenette._WNID_TO_CLASS
    for wnid, names in known.items():
        assert imagenet_names()[wnids().index(wnid)] == names[0]


def test_some_of_imagenets_classes_have_their_places_among_all() -> None:
    assert targets(["n07920052", "n02124075", "n01440764"], None, 1000) == (967, 285, 0)


def test_a_class_may_go_by_its_name() -> None:
    assert targets(["Egyptian_cat", "espresso"], None, 1000) == (285, 967)


def test_a_name_may_follow_a_wnid() -> None:
    folders = ["n02124075_Egyptian_cat", "n07920052-espresso", "n01440764"]
    assert targets(folders, None, 1000) == (285, 967, 0)
    with pytest.raises(UserError, match=r"got 'n00000000_unknown'"):
        targets(["n00000000_unknown"], None, 1000)


@pytest.mark.parametrize("name", ["crane", "maillot", "Cardigan"])
def test_a_name_that_two_classes_share_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="must be named by its ImageNet class"):
        targets([name], None, 1000)


def test_numbers_are_not_taken_for_places_unless_a_file_says_so() -> None:
    with pytest.raises(UserError, match=r"got '0', '1', '10' and 1 more: say with --classes"):
        targets(["0", "1", "10", "2"], None, 1000)
    assert targets(["0", "1", "10"], None, 1000, {"0": "0", "1": "1", "10": "10"}) == (0, 1, 10)


def test_the_networks_own_names_hold_for_its_own_classes() -> None:
    assert targets(["well", "ill"], ("ill", "well"), 2) == (1, 0)
    with pytest.raises(UserError, match=r"one of the network's 2 classes \(ill, well\), got 'cat'"):
        targets(["ill", "cat"], ("ill", "well"), 2)


def test_weights_of_other_classes_need_to_be_told() -> None:
    with pytest.raises(UserError, match="weights of 10 classes don't say which is which"):
        targets(["a", "b"], None, 10)
    assert targets(["b", "a"], None, 10, read_mapping(Path("sorted"), ["b", "a"])) == (1, 0)


def test_a_place_beyond_the_last_class_is_refused() -> None:
    with pytest.raises(UserError, match="got 'a → 10'"):
        targets(["a"], None, 10, {"a": "10"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.csv", "katze,n02124075\nkaffee,967\n\n"),
        ("map.txt", "katze n02124075\nkaffee\tespresso\n"),
        ("map.json", '{"katze": "n02124075", "kaffee": 967}'),
    ],
)
def test_a_file_says_which_class_a_folder_holds(tmp_path: Path, name: str, text: str) -> None:
    of_windows = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    for place, content in ((name, text.encode()), (name.upper(), of_windows)):
        (tmp_path / place).write_bytes(content)
        mapped = read_mapping(tmp_path / place, [])
        assert targets(["kaffee", "katze"], None, 1000, mapped) == (967, 285)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("map.csv", "katze,n02124075,cat", r"must be folder,class.*map.csv, line 1"),
        ("map.csv", "katze,1\nkatze,2", r"each folder is named once, got 'katze'.*line 2"),
        ("map.json", "[1]", "must look like"),
        ("map.json", "{", "must look like"),
        ("map.csv", "katze,1", "must name each folder, got 'kaffee'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, text: str, rule: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rule):
        targets(["kaffee"], None, 1000, read_mapping(tmp_path / name, []))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be readable, got .*No such file"):
        read_mapping(tmp_path / "none.csv", [])
