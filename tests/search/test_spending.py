"""What trainings cost that share a plateau."""

from __future__ import annotations

import pytest

from scaling_search.search.spending import added_mac_images, spent_mac_images
from tests.search.test_halving import POOL, make

NETWORK = POOL[0].architecture


def test_a_longer_training_is_charged_from_the_shorter_ones_plateau_on() -> None:
    one, two = make(NETWORK, 5, 0), make(NETWORK, 10, 0)
    alone = spent_mac_images([two])
    # The recipe falls over the last 0.4: three of the first five epochs are shared.
    assert spent_mac_images([one, two]) == pytest.approx(alone * 1.2, rel=0.01)
    assert spent_mac_images([two, two]) == alone
    other = make(NETWORK, 5, 1)
    assert spent_mac_images([other, two]) == pytest.approx(alone * 1.5, rel=0.01)


def test_what_one_more_adds_is_what_is_really_trained() -> None:
    one, two = make(NETWORK, 5, 0), make(NETWORK, 10, 0)
    assert added_mac_images(two, [one]) == pytest.approx(0.7 * spent_mac_images([two]), rel=0.01)
    assert added_mac_images(two, [make(NETWORK, 5, 1)]) == spent_mac_images([two])
