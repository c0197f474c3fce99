"""Methods are told apart by colour, with any colour vision, and by marker and dash without any."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from scaling_search.report.method_styles import LOOKS, OWN_LOOKS, looks_of, method_keys

EVERY = [*LOOKS.values(), *OWN_LOOKS]
# Machado, Oliveira, Fernandes 2009, at full severity: linear RGB as it is seen.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.95047], [1.0], [1.08883]])


def seen(colour: str, vision: str) -> np.ndarray:
    """The colour in CIELAB as this vision sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(VISIONS[vision] @ linear, 0.001, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_any_two_methods_differ_in_colour_whatever_ones_vision() -> None:
    for one, other in combinations(EVERY, 2):
        for vision in VISIONS:
            apart = np.linalg.norm(seen(one.colour, vision) - seen(other.colour, vision))
            assert apart > 14, (one.colour, other.colour, vision)


def test_every_colour_is_seen_on_white() -> None:
    for look in EVERY:
        assert seen(look.colour, "normal")[0] < 82


def test_any_two_methods_differ_in_marker_and_in_dash() -> None:
    assert len({look.marker for look in EVERY}) == len(EVERY)
    assert len({str(look.dash) for look in EVERY}) == len(EVERY)


def test_a_method_looks_the_same_whatever_others_are_drawn() -> None:
    few, many = looks_of(["compound", "mine"]), looks_of([*LOOKS, "mine"])
    assert all(many[method] == look for method, look in few.items())


def test_constants_of_ones_own_have_looks_of_their_own_whatever_their_order() -> None:
    looks = looks_of(["zeta", "compound", "alpha"])
    assert list(looks) == ["compound", "alpha", "zeta"]
    assert (looks["alpha"], looks["zeta"]) == OWN_LOOKS[:2]
    assert looks == looks_of(["alpha", "zeta", "compound"])


def test_the_legend_names_each_method_in_words() -> None:
    keys = method_keys(looks_of(["mine", "paper", "base"]))
    labels = [key.get_label() for key in keys]
    assert labels == ["the base network", "the paper's constants", "the constants “mine”"]
