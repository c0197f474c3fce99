"""Tensors on their way to a device."""

from __future__ import annotations

import pytest
import torch

from scaling_search.data.transfer import PinnedConstants, to_device


def test_what_is_there_already_is_not_copied() -> None:
    here = torch.arange(3)
    assert to_device(here, torch.device("cpu")) is here


def test_what_goes_to_a_gpu_is_pinned_first(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        calls.append("pinned")
        return tensor

    def to(tensor: torch.Tensor, device: torch.device, *, non_blocking: bool) -> torch.Tensor:
        calls.append((device, non_blocking))
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "to", to)
    to_device(torch.arange(3), torch.device("cuda:1"))
    assert calls == ["pinned", (torch.device("cuda:1"), True)]


def test_what_a_library_makes_from_numbers_there_is_made_here_and_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[torch.Tensor] = []

    def send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        made.append(tensor)
        return tensor.to(device)

    monkeypatch.setattr("scaling_search.data.transfer.to_device", send)
    with PinnedConstants():
        there = torch.tensor([0.5, 2.0], dtype=torch.float64, device="meta")
        here = torch.tensor([3])
    assert there.device.type == "meta"
    assert there.dtype == torch.float64
    assert [each.tolist() for each in made] == [[0.5, 2.0]]
    assert here.tolist() == [3]
