"""How float32 is multiplied: every switch by itself, read back, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.core.number_formats import Precision
from scaling_search.cost import arithmetic as module
from scaling_search.cost.arithmetic import arithmetic, in_force, set_arithmetic

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SWITCHES = ("cudnn.conv", "cudnn.rnn", "cuda.matmul", "mkldnn.conv", "mkldnn.rnn", "mkldnn.matmul")


def readings() -> list[str]:
    """What each of torch's own switches says."""
    found = []
    for name in SWITCHES:
        switch: Any = torch.backends
        for part in name.split("."):
            switch = getattr(switch, part)
        found.append(switch.fp32_precision)
    return found


@pytest.fixture(autouse=True)
def as_found() -> Iterator[None]:
    before = readings()
    with arithmetic("float32", CPU):
        yield
    assert readings() == before


@pytest.mark.parametrize(
    ("precision", "device", "expected"),
    [
        ("float32", CUDA, "ieee"),
        ("tf32", CUDA, "tf32"),
        ("bfloat16", CUDA, "ieee"),
        ("float32", CPU, "ieee"),
        ("tf32", CPU, "ieee"),
    ],
)
def test_every_operation_is_switched_by_itself_and_read_back(
    precision: Precision, device: torch.device, expected: str
) -> None:
    with arithmetic(precision, device) as found:
        assert found == in_force(device) == expected
        assert readings() == [expected] * len(SWITCHES)


def test_convolutions_are_float32_whatever_the_switch_for_all_says() -> None:
    # Some torch leaves them at cuDNN's own TF32 when only that one is set.
    backends: Any = torch.backends
    with arithmetic("float32", CUDA):
        backends.cudnn.conv.fp32_precision = "tf32"
        assert in_force(CUDA) == "convolution tf32, rnn ieee, matmul ieee"
        set_arithmetic("float32", CUDA)
        assert backends.cudnn.conv.fp32_precision == "ieee"


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_torch_may_be_asked_by_its_older_switches_too(precision: Precision) -> None:
    # Its compiler does, and where the two kinds contradict each other torch raises.
    short = precision == "tf32"
    with arithmetic(precision, CUDA):
        assert torch.backends.cudnn.allow_tf32 == short
        assert torch.backends.cuda.matmul.allow_tf32 == short
        assert torch.get_float32_matmul_precision() == ("high" if short else "highest")
        with torch.backends.cudnn.flags(enabled=True):
            pass


def test_what_was_there_comes_back_even_after_an_error() -> None:
    backends: Any = torch.backends
    torch.set_float32_matmul_precision("medium")
    backends.mkldnn.conv.fp32_precision = "bf16"
    before = readings()
    with pytest.raises(ZeroDivisionError), arithmetic("tf32", CUDA):
        raise ZeroDivisionError
    assert readings() == before
    assert torch.get_float32_matmul_precision() == "medium"


def test_a_switch_that_does_not_move_is_an_error_and_no_wrong_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stuck:
        fp32_precision = property(lambda self: "tf32", lambda self, value: None)

    monkeypatch.setattr(module, "_switches", lambda: {("cuda", "convolution"): Stuck()})
    with (
        pytest.raises(UserError, match=r"multiply float32 as ieee .* got 'tf32': take another"),
        arithmetic("float32", CUDA),
    ):
        raise AssertionError


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize(("precision", "largest"), [("float32", 1e-5), ("tf32", 1e-2)])
def test_on_a_real_gpu_the_numbers_are_as_precise_as_said(
    precision: Precision, largest: float
) -> None:
    generator = torch.Generator("cuda").manual_seed(0)
    images, weights = (
        torch.randn(shape, device="cuda", generator=generator)
        for shape in ((8, 64, 32, 32), (64, 64, 3, 3))
    )
    rows = weights.view(64, -1)
    exact = torch.conv2d(images.double(), weights.double()), rows.double() @ rows.double().T
    with arithmetic(precision, CUDA):
        found = torch.conv2d(images, weights), rows @ rows.T
    for truth, value in zip(exact, found, strict=True):
        error = float((value.double() - truth).abs().max() / truth.abs().max())
        assert error < largest
        if precision == "tf32" and torch.cuda.get_device_capability() >= (8, 0):
            assert error > 1e-5
