"""Compiled networks are compiled: each of many, and for the shapes that it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.exc import FailOnRecompileLimitHit

from scaling_search.nets import compilation
from scaling_search.nets.compilation import compiled, forget_compiled, no_fallback

MANY = 12  # networks; torch's own limit is eight


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[Any]]]:
    """The shapes of the images that each compilation was made for."""
    compiled_with: list[list[Any]] = []

    def backend(graph: Any, inputs: Any) -> Any:
        compiled_with.append([value for value in inputs if not isinstance(value, nn.Parameter)])
        return graph.forward

    compile_module: Callable[..., Any] = torch.compile
    forget_compiled()
    monkeypatch.setattr(
        torch, "compile", lambda m, mode, **o: compile_module(m, backend=backend, **o)
    )
    yield compiled_with
    forget_compiled()


def network(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_every_one_of_many_networks_is_compiled(graphs: list[list[Any]]) -> None:
    images = torch.zeros(2, 1, 6, 6)
    models = [compiled(network(1 + channels), full_graph=True) for channels in range(MANY)]
    with no_fallback():
        for _ in range(2):
            for model in models:
                model(images)
    assert len(graphs) == MANY


def test_another_shape_is_compiled_for_itself(graphs: list[list[Any]]) -> None:
    model = compiled(network(4))
    shapes = [(2, 1, 6, 6), (2, 1, 7, 7), (3, 1, 8, 8)]
    with no_fallback():
        for shape in shapes:
            model(torch.zeros(shape))
    assert [tuple(images.shape) for (images,) in graphs] == shapes
    # A size that had become a symbol would be an input of its own.
    assert all(type(size) is int for (images,) in graphs for size in images.shape)


def test_a_version_too_many_is_an_error(
    graphs: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "MOST_VERSIONS", 2)
    model = compiled(network(4))
    with no_fallback():
        for side in (6, 7):
            model(torch.zeros(2, 1, side, side))
        with pytest.raises(FailOnRecompileLimitHit):
            model(torch.zeros(2, 1, 8, 8))
    assert len(graphs) == 2


def test_torchs_own_settings_come_back() -> None:
    settings: Any = torch.compiler.config
    before = settings.recompile_limit, settings.fail_on_recompile_limit_hit
    with no_fallback():
        assert settings.fail_on_recompile_limit_hit
    assert (settings.recompile_limit, settings.fail_on_recompile_limit_hit) == before


def test_whole_means_without_a_break(graphs: list[list[Any]]) -> None:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            doubled = 2 * images
            torch._dynamo.graph_break()
            return doubled + 1

    with no_fallback():
        with pytest.raises(torch._dynamo.exc.Unsupported):
            compiled(Broken(), full_graph=True)(torch.ones(2))
        forget_compiled()
        assert compiled(Broken())(torch.ones(2)).tolist() == [3.0, 3.0]
    assert len(graphs) == 2
