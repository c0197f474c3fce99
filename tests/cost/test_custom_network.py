"""Networks that a function makes: scaled by calling it, told apart by their parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from scaling_search.arch.scaling import AXIS_NAMES, Coefficients, Multipliers, scale
from scaling_search.compare.family import family
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.custom_network import CustomNetwork, custom_network
from scaling_search.nets.build import build
from scaling_search.search.candidates import candidates
from scaling_search.search.equal_cost import matched
from scaling_search.search.space import Axis, Budget, Space

OWN = "tests.own_network:make"
SIZE = {"resolution_px": 16, "in_channels": 1, "num_classes": 20}


@pytest.fixture(scope="module")
def base() -> CustomNetwork:
    return custom_network(OWN, resolution_px=16, in_channels=1, num_classes=20)


def test_its_cost_is_counted_to_the_integer(base: CustomNetwork) -> None:
    # 16 px, stride 2: 8 × 8 outputs. 8·1·9 weights, then two layers of 8·8·9, then 8·20.
    cost = count(base)
    assert cost.macs == 64 * (8 * 9 + 2 * 8 * 8 * 9) + 8 * 20
    assert cost.activations == 3 * 64 * 8
    assert cost.params == (8 * 9 + 8) + 2 * (8 * 8 * 9 + 8 + 16) + (8 * 20 + 20)


def test_multipliers_that_make_the_same_network_make_equal_values(base: CustomNetwork) -> None:
    assert scale(base, Multipliers(depth=1.1)) == scale(base, Multipliers(depth=1.5))
    assert scale(base, Multipliers(width=1.01)) == base
    assert scale(base, Multipliers(depth=1.6)) != scale(base, Multipliers(depth=1.5))
    same = [scale(base, Multipliers(depth=d)).fingerprint for d in (1.1, 1.5)]
    assert same[0] == same[1]


def test_the_parts_of_scale_do_not_touch_each_other(base: CustomNetwork) -> None:
    grown = scale(base, Multipliers(2.0, 1.5, 1.25))
    assert (grown.depth, grown.width, grown.resolution_px) == (2.0, 1.5, 20)
    module = build(grown)
    assert sum(isinstance(layer, nn.Conv2d) for layer in module.modules()) == 5
    assert next(module.parameters()).shape[0] == 12


def test_it_is_searched_like_any_other(base: CustomNetwork) -> None:
    space = Space(Axis(1, 2, 0.25), Axis(1, 1.5, 0.125), Axis(1, 1.5, 0.125))
    found = candidates(base, Budget(tolerance=0.1), space)
    assert found
    for candidate in found:
        real = count(scale(base, candidate.coefficients.at(1))).macs / count(base).macs
        assert abs(real / 2 - 1) <= 0.1
    assert len({candidate.architecture for candidate in found}) == len(found)


def test_it_has_a_family_and_rivals(base: CustomNetwork) -> None:
    (one,) = family(base, Coefficients(1.2, 1.2, 1.1), [1.0], Budget())
    assert abs(one.growth / 2 - 1) < 0.2  # a pixel of so small a side is a step of a fifth
    for axis in AXIS_NAMES:
        grown = scale(base, matched(base, axis, 2 * count(base).macs, Budget()))
        assert abs(count(grown).macs / count(base).macs / 2 - 1) < 0.25


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("tests.own_network:ten_classes", r"must return logits of shape \(1, 20\), got \(1, 10\)"),
        ("tests.own_network:colour", r"must take images of shape \(1, 1, 16, 16\)"),
        ("tests.own_network:broken", "ZeroDivisionError: depth over nothing"),
        ("tests.own_network:no_module", "must return a torch module"),
        ("tests.own_network:NOT_A_FUNCTION", "is named module:function"),
        ("tests.own_network:nothing", "is named module:function"),
        ("no.such.module:make", "is named module:function"),
        (":make", "is named module:function"),
        ("__main__:make_nothing", "with workers=0, or write it into a module"),
    ],
)
def test_a_function_that_does_not_fit_is_refused_in_one_line(function: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        custom_network(function, **SIZE)
    assert "\n" not in str(caught.value)


def test_it_has_the_classes_and_channels_it_was_made_for(base: CustomNetwork) -> None:
    with pytest.raises(UserError, match="has classes and channels"):
        build(base, num_classes=10)


def test_a_function_that_hangs_on_how_often_it_is_called_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counting_net.py").write_text(
        "from torch import nn\nCALLS = []\n\n\ndef make(multipliers):\n"
        "    CALLS.append(multipliers)\n"
        "    layers = nn.Linear(64, len(CALLS)), nn.Linear(len(CALLS), 2)\n"
        "    return nn.Sequential(nn.Flatten(), *layers)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"the same network whenever.*no counter"):
        custom_network("counting_net:make", resolution_px=8, in_channels=1, num_classes=2)
