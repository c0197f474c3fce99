"""Studies as TOML: there and back, and every mistake in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.rivals import NamedConstants
from scaling_search.core.errors import UserError
from scaling_search.data.request import DataRequest
from scaling_search.experiment.presets import preset
from scaling_search.experiment.study import Study, with_images
from scaling_search.experiment.study_file import from_toml, read_study, to_toml
from scaling_search.pretrained.initial import Init


def test_a_name_alone_is_a_study() -> None:
    assert from_toml('name = "mine"') == Study("mine")


def test_given_constants_are_read() -> None:
    text = 'name = "x"\n[compare.constants]\nalpha = 1.2\nbeta = 1.1\ngamma = 1.15'
    assert from_toml(text).compare.constants == Coefficients(1.2, 1.1, 1.15)


WHOLE = """
name = "x"
base = "efficientnet-b0-small"
recipe = { like = "paper", batch_size = 64 }

[compare]
rivals = ["depth", "paper", "official", { name = "mine", alpha = 1.1, beta = 1.2, gamma = 1.1 }]
check_rates = [0.5, 1, 2]
vary_split = true
first_seed = 50
"""


def test_rivals_rates_seeds_and_what_grows_survive_the_way_through_toml() -> None:
    study = from_toml(WHOLE)
    mine = NamedConstants("mine", 1.1, 1.2, 1.1)
    assert study.compare.rivals == ("depth", "paper", "official", mine)
    assert list(study.compare.every_seed) == [50, 51, 52]
    assert study.recipe.at_phi(7).dropout == 0.5
    assert from_toml(to_toml(study)) == study


def test_given_constants_may_be_compared_from_any_seed() -> None:
    constants = "constants = { alpha = 1.2, beta = 1.1, gamma = 1.15 }"
    assert from_toml(f"name = 'x'\n[compare]\nfirst_seed = 0\n{constants}").compare.first_seed == 0


def test_an_adaptive_search_may_reach_further_seeds_than_its_rungs_say() -> None:
    # 24 trainings of 8 epochs are 64 of 3.
    plan = "strategy = 'gp'\nseeds = 'adaptive'\nrungs = [{ epochs = 3 }, { epochs = 8 }]"
    text = f"name = 'x'\n[search]\n{plan}\n[compare]\nfirst_seed = "
    assert from_toml(text + "64").compare.first_seed == 64
    with pytest.raises(UserError, match=r"a rung's reach 63, got 63"):
        from_toml(text + "63")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nam = 'x'", "the key 'name' is required"),
        ("name = 'x'\nfoo = 1", "unknown key 'foo': known are name, desc"),
        ("name = 'x'\n[recipe]\nlr = 1", "unknown key 'recipe.lr': known are optimizer, learn"),
        ("name = 'x'\n[search]\nrungs = [{epochs = 1, a = 2}]", "unknown key 'search.rungs.0.a'"),
        ("name = 'x'\n[budget]\ntolerance = 0.7", "must lie in (0, 0.5), got 0.7"),
        ("name = 'x'\n[budget]\ngrowth = 1.0", "finite and other than 1, got 1.0"),
        (
            "name = 'x'\n[budget]\ngrowth = 0.5",
            "at a growth of 0.5 each axis of the space lies at 1 or below, got 'alpha from 1 to 2'",
        ),
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
        ("name = 'x'\n[compare]\nrivals = ['deph']", "got 'deph': did you mean depth?"),
        ("name = 'x'\n[compare]\nrivals = ['paper', 'paper']", "each rival is named once"),
        (
            "name = 'x'\n[compare]\nrivals = [{name = 'm', alpha = 1, beta = 1, gamma = 1}]",
            "α·β²·γ² of 'm' must be greater than 1, got 1.0",
        ),
        (
            "name = 'x'\n[compare]\nrivals = [{name = 'm', alpha = 1, beta = 2, gamma = 1, a = 1}]",
            "known are name, alpha, beta, gamma",
        ),
        ("name = 'x'\n[compare]\nrivals = ['official']", "are grown from efficientnet-b0 or effic"),
        (
            "name = 'x'\nbase = 'efficientnet-b0'\n[compare]\nrivals = ['official']\nphis = [0.5]",
            "stand at φ = 1 to 7, got [0.5]",
        ),
        ("name = 'x'\n[compare]\ncheck_rates = [0.5, 2]", "check_rates hold 1, the recipe's own r"),
        ("name = 'x'\n[compare]\ncheck_rates = [1, 0]", "positive, finite and named once"),
        ("name = 'x'\n[compare]\nfirst_seed = -1", "first_seed must be 0 or more, got -1"),
        (
            "name = 'x'\n[compare]\nfirst_seed = 2",
            "the comparison's seeds must be new, and a rung's reach 2, got 2: set "
            "compare.first_seed = 3 or more",
        ),
        (
            "name = 'x'\n[search]\nrungs = [{epochs = 3, first_seed = 1002}]",
            "a rung's reach 1002, got 1000",
        ),
        ("name = 'x'\n[data]\nvalidation_seed = 1", "set compare.vary_split = true"),
        (
            "name = 'x'\n[recipe]\nby_phi = [{phi = 1, dropout = 0.1, lr = 1}]",
            "unknown key 'recipe.by_phi.0.lr': known are phi, drop_path, dropout",
        ),
        (
            "name = 'x'\n[recipe]\nby_phi = [{phi = 1, dropout = 0.1}, {phi = 0, dropout = 0.2}]",
            "the rows of by_phi rise in φ, got [1.0, 0.0]",
        ),
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
        read_study(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"bytes\.toml.*not UTF-8 text: save it as UTF-8"):
        read_study(tmp_path / "bytes.toml")


@pytest.mark.parametrize("path", [r"C:\Users\me", r"D:\data", r"\\nas\scans"])
def test_a_windows_path_in_double_quotes_is_told_the_way_out(path: str) -> None:
    with pytest.raises(UserError, match="begins an escape: write / or 'single quotes'"):
        from_toml(f'name = "x"\n[data]\nroot = "{path}"')


def test_weights_are_asked_for_by_name_or_by_a_file_beside_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('name = "x"\ninit = { weights = "torchvision:IMAGENET1K_V2" }\n')
    assert read_study(path).init == Init("torchvision:IMAGENET1K_V2")
    path.write_text('name = "x"\ninit = { weights = "w.pth", source = "resnet-18" }\n')
    init = read_study(path).init
    assert init == Init(str(tmp_path / "w.pth"), source=zoo.get("resnet-18"))
    path.write_text(to_toml(replace(Study("x"), init=init)))
    assert read_study(path).init == init
    assert "[init]" not in to_toml(Study("x"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "init = { weights = 'lite', fetch = true }",
            "unknown key 'init.fetch': known are weights, download, so",
        ),
        ("[recipe]\nbackbone_rate = 0", "backbone_rate must be 1 where networks begin at random"),
        (
            "init = { weights = 'lite' }\n[recipe]\nbranch_scale = '1/sqrt(depth)'",
            "branch_scale must be 'one' where networks begin with weights",
        ),
        ("init = { weights = 'a.pth', source = 'resnet-17' }", "init.source: "),
    ],
)
def test_a_mistake_about_weights_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        from_toml(f"name = 'x'\n{text}", "mine.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_are_fetched_on_request_where_a_folder_of_images_cannot_be(tmp_path: Path) -> None:
    folder = Study("x", data=DataRequest("imagefolder", root=str(tmp_path)))
    with pytest.raises(UserError, match="imagefolder can't be downloaded"):
        with_images(folder, None, download=True)
    begun = with_images(replace(folder, init=Init("torchvision")), None, download=True)
    assert begun.init == Init("torchvision", download=True)
    assert not begun.data.download


def test_images_can_be_looked_for_elsewhere() -> None:
    moved = with_images(preset("fashion-mnist"), "elsewhere", download=True)
    assert (moved.data.root, moved.data.download) == ("elsewhere", True)
    assert with_images(moved, None, download=False) == moved
