"""How a process multiplies float32 numbers: torch's switches, each set by itself and read back.

The one switch for all of them does not reach cuDNN's convolutions on some torch from 2.10 on
(pytorch issue 179445), and what cuDNN does by itself is TF32. The older switches are set too: where
the two kinds contradict each other torch refuses to be asked, which its compiler does.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import torch

from scaling_search.core.errors import require
from scaling_search.core.number_formats import Precision

Float32 = Literal["ieee", "tf32"]


@contextmanager
def arithmetic(precision: Precision, device: torch.device) -> Iterator[str]:
    """Within this block float32 is multiplied as the precision says; gives what is in force.

    That is "ieee" or "tf32", and TF32 exists on CUDA alone: a CPU stays at "ieee". Raises UserError
    where torch's switches read otherwise than they were set.

    Examples:
        >>> import torch
        >>> from scaling_search.cost.arithmetic import arithmetic
        >>> with arithmetic("tf32", torch.device("cpu")) as in_force:
        ...     print(in_force)
        ieee
    """
    before = [(switch, switch.fp32_precision) for switch in _switches().values()]
    older = _older()
    try:
        yield set_arithmetic(precision, device)
    finally:
        _set_older(*older)
        for switch, value in before:
            switch.fp32_precision = value


def set_arithmetic(precision: Precision, device: torch.device) -> str:
    """Multiply float32 so from here on, in the whole process; as `arithmetic`."""
    float32: Float32 = "tf32" if precision == "tf32" and device.type == "cuda" else "ieee"
    _set_older(float32 == "tf32", "high" if float32 == "tf32" else "highest")
    for switch in _switches().values():
        switch.fp32_precision = float32
    in_use = in_force(device)
    rule = f"torch must multiply float32 as {float32} for precision = {precision!r}"
    require(in_use == float32, rule, in_use, "take another version of torch")
    return in_use


def in_force(device: torch.device) -> str:
    """How float32 is multiplied on the device, as its switches read now: one word if all agree."""
    library = "cuda" if device.type == "cuda" else "onednn"
    values = {
        operation: str(switch.fp32_precision)
        for (owner, operation), switch in _switches().items()
        if owner == library
    }
    if len({*values.values()}) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{operation} {value}" for operation, value in values.items())


def _switches() -> dict[tuple[str, str], Any]:
    """What has an `fp32_precision`, by whose it is and what it is for."""
    backends: Any = torch.backends
    return {
        ("cuda", "convolution"): backends.cudnn.conv,
        ("cuda", "rnn"): backends.cudnn.rnn,
        ("cuda", "matmul"): backends.cuda.matmul,
        ("onednn", "convolution"): backends.mkldnn.conv,
        ("onednn", "rnn"): backends.mkldnn.rnn,
        ("onednn", "matmul"): backends.mkldnn.matmul,
    }


def _older() -> tuple[bool | None, str | None]:
    """cuDNN's older switch and that of products; None where torch refuses to say."""
    convolutions: bool | None = None
    products: str | None = None
    with _older_switches():
        with suppress(RuntimeError):
            convolutions = torch.backends.cudnn.allow_tf32
        with suppress(RuntimeError):
            products = torch.get_float32_matmul_precision()
    return convolutions, products


def _set_older(convolutions: bool | None, products: str | None) -> None:
    with _older_switches():
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions
        if products is not None:
            torch.set_float32_matmul_precision(products)


@contextmanager
def _older_switches() -> Iterator[None]:
    """Some versions warn that they will be gone one day; as long as they are there, they count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
