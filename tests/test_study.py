"""Studies as TOML: there and back, and every mistake in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.errors import UserError
from scaling_search.study import PRESETS, Study, from_toml, preset, read, to_toml, with_images


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_the_way_through_toml(name: str) -> None:
    assert from_toml(to_toml(preset(name))) == preset(name)


def test_a_name_alone_is_a_study() -> None:
    assert from_toml('name = "mine"') == Study("mine")


def test_given_constants_are_read() -> None:
    text = 'name = "x"\n[compare.constants]\nalpha = 1.2\nbeta = 1.1\ngamma = 1.15'
    assert from_toml(text).compare.constants == Coefficients(1.2, 1.1, 1.15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nam = 'x'", "the key 'name' is required"),
        ("name = 'x'\nfoo = 1", "unknown key 'foo': known are name, desc"),
        ("name = 'x'\n[recipe]\nlr = 1", "unknown key 'recipe.lr': known are optimizer, learn"),
        ("name = 'x'\n[search]\nrungs = [{epochs = 1, a = 2}]", "unknown key 'search.rungs.0.a'"),
        ("name = 'x'\n[budget]\ntolerance = 0.7", "must lie in (0, 0.5), got 0.7"),
        ("name = 'x'\n[budget]\ngrowth = 1.0", "growth must be greater than 1 and finite, got 1.0"),
        ("name = 'x'\n[budget]\nresource = 'flops'", "got 'flops'"),
        ("name = 'x'\n[compare]\nseeds = 0", "a comparison needs at least 1 seed, got 0"),
        ("name = 'x'\n[compare]\nphis = [nan]", "each φ must be a finite number"),
        ("name = 'x'\nbase = 'micr'", "did you mean micro?"),
        ("name = 'x'\nbase_px = 4", "the strides of micro need images of at least 8 px, got 4"),
        ("name = 'x'\n[data]\nname = 'fashion'", "did you mean 'fashion-mnist'?"),
        ("name = 3", "name: input should be a valid string, got 3"),
        ("name = '../x'", "a study's name is made of letters"),
        ("name = '..'", "a study's name is made of letters"),
        ("name =", "must be valid TOML"),
    ],
)
def test_a_mistake_is_one_line_with_the_rule_and_the_value(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        from_toml(text, "mine.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml.*No such file"):
        read(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"bytes\.toml.*not UTF-8"):
        read(tmp_path / "bytes.toml")


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean demo"):
        preset("dmo")


def test_images_can_be_looked_for_elsewhere() -> None:
    moved = with_images(preset("fashion-mnist"), "elsewhere", download=True)
    assert (moved.data.root, moved.data.download) == ("elsewhere", True)
    assert with_images(moved, None, download=False) == moved
