"""Simulated peaks against hand counts, published ones, and an independent account."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from scaling_search.arch import zoo
from scaling_search.cost import step
from scaling_search.cost.memory import CUDA_BLOCK_BYTES, peak_live_bytes, peak_memory
from scaling_search.nets.build import build
from tests.cost.allocations import peak_bytes

FLOAT = 4


def test_a_chain_holds_two_maps_at_a_time() -> None:
    # 100 → 200 → 50 numbers: at the fullest, the input's caller, 200 and 50 are held.
    with torch.device("meta"):
        chain = nn.Sequential(nn.Linear(100, 200), nn.Linear(200, 50))
        images = torch.empty(1, 100)
    own = list(chain.parameters())
    assert (
        peak_live_bytes(step.inference(chain, images, "float32"), own) == (100 + 200 + 50) * FLOAT
    )


@pytest.mark.parametrize(("number", "megabytes"), [(0, 10.4), (4, 45.1), (7, 149.8)])
def test_torchvisions_efficientnets_reach_the_known_peaks(number: int, megabytes: float) -> None:
    make = getattr(torchvision.models, f"efficientnet_b{number}")
    px = zoo.get(f"efficientnet-b{number}").resolution_px
    with torch.device("meta"):
        model, images = make(), torch.empty(1, 3, px, px)
    own = [*model.parameters(), *model.buffers()]
    live = peak_live_bytes(step.inference(model, images, "float32"), own)
    assert (live - 3 * px**2 * FLOAT) / 1e6 == pytest.approx(megabytes, abs=0.06)


def test_b0s_peak_is_what_a_hand_count_gives() -> None:
    # In the first 6-fold block: the expansion and its norm; the block's input; the stem's output
    # and the image, which their callers hold.
    maps = 2 * 96 * 112**2 + 16 * 112**2 + 32 * 112**2 + 3 * 224**2
    assert peak_memory(zoo.get("efficientnet-b0")).live_bytes == FLOAT * maps


def test_the_network_itself_is_its_parameters_and_buffers() -> None:
    model = build(zoo.get("micro"))
    own = (*model.parameters(), *model.buffers())
    memory = peak_memory(zoo.get("micro"))
    assert memory.network_bytes == sum(t.numel() * t.element_size() for t in own)
    assert memory.total_bytes == memory.network_bytes + memory.live_bytes


def test_half_precision_halves_inference() -> None:
    b0 = zoo.get("efficientnet-b0")
    full, half = peak_memory(b0), peak_memory(b0, precision="bfloat16")
    assert half.live_bytes == full.live_bytes // 2


def test_live_bytes_grow_with_the_batch_and_in_training_gradients_and_momentum_come_on_top() -> (
    None
):
    b0 = zoo.get("efficientnet-b0")
    assert peak_memory(b0, batch=4).live_bytes == 4 * peak_memory(b0).live_bytes
    training = peak_memory(b0, "training")
    params = 5_288_548 * FLOAT
    assert training.live_bytes > 2 * params
    assert training.live_bytes > 3 * peak_memory(b0).live_bytes


def test_blocks_of_the_cuda_allocator_round_up() -> None:
    micro = zoo.get("micro")
    exact, blocks = peak_memory(micro), peak_memory(micro, block_bytes=CUDA_BLOCK_BYTES)
    assert exact.live_bytes <= blocks.live_bytes < 1.1 * exact.live_bytes
    assert blocks.network_bytes % CUDA_BLOCK_BYTES == 0


def _step(name: str, px: int, task: str, device: str) -> step.Step:
    """A step whose images are made within it, as the account sees only what is made in its time."""
    network = zoo.get(name).fitted(resolution_px=px)
    model, shape = build(network).to(device), (2, network.in_channels, px, px)
    make = step.inference if task == "inference" else step.training
    ready = make(model, torch.zeros(shape, device=device), "float32")
    ready()  # momentum is there from the second step on, and is not part of the account
    return lambda: type(ready)(**{**vars(ready), "images": torch.zeros(shape, device=device)})()


def _momentum_bytes(name: str) -> int:
    return sum(p.numel() * FLOAT for p in build(zoo.get(name)).parameters())


def _simulated(name: str, px: int, task: str, block_bytes: int = 1) -> int:
    network = zoo.get(name).fitted(resolution_px=px)
    live = peak_memory(network, task, 2, "float32", block_bytes).live_bytes
    return live - (_momentum_bytes(name) if task == "training" else 0)


@pytest.mark.parametrize("task", ["inference", "training"])
@pytest.mark.parametrize(("name", "px"), [("efficientnet-b0", 96), ("micro", 48)])
def test_an_independent_account_of_the_cpus_allocations_agrees(
    name: str, px: int, task: str
) -> None:
    recorded = peak_bytes(_step(name, px, task, "cpu"))
    assert _simulated(name, px, task) == pytest.approx(recorded, rel=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("task", ["inference", "training"])
@pytest.mark.parametrize("name", ["efficientnet-b0", "efficientnet-b4"])
def test_a_gpus_allocator_agrees_but_for_workspace(name: str, task: str) -> None:
    px = zoo.get(name).resolution_px
    recorded = peak_bytes(_step(name, px, task, "cuda"), "cuda")
    assert _simulated(name, px, task, CUDA_BLOCK_BYTES) == pytest.approx(recorded, rel=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_torchs_own_peak_is_never_below_the_simulated_one() -> None:
    b0 = zoo.get("efficientnet-b0")
    before = torch.cuda.memory_allocated()
    one = _step("efficientnet-b0", b0.resolution_px, "inference", "cuda")
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    one()
    torch.cuda.synchronize()
    simulated = peak_memory(b0, batch=2, block_bytes=CUDA_BLOCK_BYTES)
    assert torch.cuda.max_memory_allocated() - before >= 0.98 * simulated.total_bytes
