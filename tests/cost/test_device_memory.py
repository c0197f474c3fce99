"""What of a device's memory is not this process's."""

from __future__ import annotations

import pytest
import torch

from scaling_search.cost.device_memory import others_bytes


def test_what_others_hold_of_a_gpu_is_neither_free_nor_our_tensors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (10, 80))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 25)
    assert others_bytes(torch.device("cuda:0")) == 45
    assert others_bytes(torch.device("cpu")) == 0
