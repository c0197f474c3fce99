"""Whether a batch norm would be left a single value: what torch itself says in training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.custom_network import CustomNetwork, custom_network
from scaling_search.nets.batch_norms import check_batch_norms, starved_norm
from scaling_search.nets.build import build


def custom(function: str, px: int) -> CustomNetwork:
    name = f"tests.own_network:{function}"
    return custom_network(name, resolution_px=px, in_channels=1, num_classes=20)


NETWORKS = [
    *(replace(zoo.get("micro"), resolution_px=px) for px in (8, 9, 16)),
    replace(zoo.get("convnext-tiny"), resolution_px=32),  # layer norms, at 1 px
    *(custom(function, px) for function in ("make", "frozen") for px in (2, 3)),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{n.name} {n.resolution_px}")
def test_a_norm_is_starved_where_torch_refuses_a_step_of_one_image(
    network: Architecture | CustomNetwork,
) -> None:
    px = network.resolution_px
    model, image = build(network).train(), torch.zeros(1, network.in_channels, px, px)
    if starved_norm(network, px) is None:
        model(image)
    else:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            model(image)


def test_the_first_norm_of_one_pixel_is_named() -> None:
    micro = replace(zoo.get("micro"), resolution_px=8)
    assert starved_norm(micro, 8) == "stages.3.0.body.depthwise.norm"
    assert starved_norm(micro, 16) is None
    assert starved_norm(custom("frozen", 2), 2) is None


def test_a_side_that_a_network_does_not_take_says_nothing() -> None:
    assert starved_norm(zoo.get("micro"), 0) is None


def test_two_images_are_enough_and_one_is_a_line() -> None:
    micro = replace(zoo.get("micro"), resolution_px=8)
    check_batch_norms(micro, 8, 2, "raise it")
    with pytest.raises(UserError, match=r"more than 1 value .* got 1 image .*micro sees 1 px: rai"):
        check_batch_norms(micro, 8, 1, "raise it")
