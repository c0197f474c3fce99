"""The modules of our own against formulas written out."""

from __future__ import annotations

import torch
from torch import nn

from scaling_search.nets.modules import GlobalPool, LayerNorm, Residual, SqueezeExcitation


def test_global_pool_is_the_mean_of_each_channel() -> None:
    assert GlobalPool()(torch.arange(8.0).view(1, 2, 2, 2)).tolist() == [[1.5, 5.5]]


def test_layer_norm_normalises_over_the_channels_of_each_pixel() -> None:
    images = torch.randn(2, 4, 3, 3)
    normed = LayerNorm(4, 1e-6)(images)
    torch.testing.assert_close(normed.mean(1), torch.zeros(2, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(1, correction=0), torch.ones(2, 3, 3), atol=1e-3, rtol=0)


def test_squeeze_excitation_weighs_channels_by_the_sigmoid_of_a_small_network() -> None:
    reduce, expand = nn.Conv2d(2, 1, 1), nn.Conv2d(1, 2, 1)
    nn.init.zeros_(expand.weight)
    assert expand.bias is not None
    with torch.no_grad():
        expand.bias.copy_(torch.tensor([0.0, torch.logit(torch.tensor(0.75)).item()]))
    weighed = SqueezeExcitation(reduce, nn.ReLU(), expand)(torch.ones(1, 2, 2, 2))
    torch.testing.assert_close(weighed[0, :, 0, 0], torch.tensor([0.5, 0.75]))


def test_without_drop_path_a_residual_adds() -> None:
    block = Residual(nn.Flatten(0, -1), nn.Identity(), 0.0)
    assert block(torch.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_drop_path_leaves_whole_images_out_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    block = Residual(nn.Identity(), nn.Identity(), 0.25)
    change = block(torch.ones(4000, 2, 1, 1)) - 1
    assert torch.equal(change[:, 0], change[:, 1])
    torch.testing.assert_close(change.unique(), torch.tensor([0, 4 / 3]))
    assert abs(change.mean().item() - 1) < 0.05


def test_drop_path_rests_in_evaluation() -> None:
    block = Residual(nn.Identity(), nn.Identity(), 0.9).eval()
    assert torch.equal(block(torch.ones(8, 1, 1, 1)), torch.full((8, 1, 1, 1), 2.0))
