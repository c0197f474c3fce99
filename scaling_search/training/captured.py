"""Training steps as CUDA graphs: forward, backward and update are launched whole.

A small network's step is some hundred kernels of microseconds, whose launching takes the host
longer than the GPU takes to run them. A graph is launched at once. No compiler is asked: it holds
the kernels that a plain step runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch

from scaling_search.data.splits import Batch
from scaling_search.training.distributed import Group
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import average, set_rate, train_step, update
from scaling_search.training.train_state import TrainState

_log = logging.getLogger(__name__)

WARM_UP = 3  # steps that choose algorithms and make what the optimiser keeps, before a capture

StepFunction = Callable[[float, Iterable[Batch]], torch.Tensor]
"""From a learning rate and the parts of a batch to the step's mean loss, once it is taken."""
Work = Callable[[], object]
GraphOf = Callable[[Work], Work]
"""From work on tensors that stay where they are to what does it again."""


def step_function(
    state: TrainState, recipe: Recipe, device: torch.device, group: Group
) -> StepFunction:
    """What takes the steps of a training; captured where the recipe asks and it can be.

    Where it can't, that is logged, and each step is taken by itself.
    """

    def plain_step(rate: float, parts: Iterable[Batch]) -> torch.Tensor:
        return train_step(state, recipe, rate, parts, device)

    if recipe.compile != "graph":
        return plain_step
    reason = obstacle(recipe, device, group)
    if reason:
        _log.warning("steps are not captured in a graph: %s", reason)
        return plain_step
    return CapturedSteps(state, recipe, device, plain_step)


def obstacle(recipe: Recipe, device: torch.device, group: Group) -> str:
    """What keeps a step from being captured; empty where nothing does."""
    if device.type != "cuda":
        return f"there are none on a {device.type.upper()}"
    if recipe.precision == "float16":
        return "float16 has a scale of the loss that the host decides on"
    if recipe.accumulate > 1:
        return f"a batch comes in {recipe.accumulate} parts"
    if group.world > 1:
        return f"{group.world} processes train together"
    return ""


def cuda_graph(work: Work) -> Work:
    """A CUDA graph of the work, which is not done now; `replay` does it."""
    graph = torch.cuda.CUDAGraph()
    # Of this thread alone: others may move images meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


@dataclass
class _CapturedStep:
    """A step on images of one shape: where they must lie, where its loss will lie, its graph."""

    images: torch.Tensor
    labels: torch.Tensor
    loss: torch.Tensor
    replay: Work = lambda: None


@dataclass
class CapturedSteps:
    """Takes steps by a graph of its own for each shape of images.

    The first steps of each shape are plain ones, and steps of the training like any other; they run
    on another stream, as torch asks of what is captured next. The averaging of weights stays
    outside: its decay is another one at each step. What can't be captured goes on plainly.
    """

    state: TrainState
    recipe: Recipe
    device: torch.device
    plain_step: StepFunction
    graph_of: GraphOf = cuda_graph
    _counts: dict[torch.Size, int] = field(default_factory=dict)
    _captured: dict[torch.Size, _CapturedStep] = field(default_factory=dict)
    _gave_up: bool = False

    def __call__(self, rate: float, parts: Iterable[Batch]) -> torch.Tensor:
        """Take a step on a batch of one part."""
        ((images, labels),) = parts
        count = self._counts.setdefault(images.shape, 0)
        self._counts[images.shape] += 1
        if count == WARM_UP and not self._gave_up:
            self._capture(images, labels)
        if images.shape not in self._captured:
            return self._on_side_stream(rate, images, labels)
        return self._replayed(self._captured[images.shape], rate, images, labels)

    def _replayed(
        self, step: _CapturedStep, rate: float, images: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        step.images.copy_(images)
        step.labels.copy_(labels)
        set_rate(self.state.optimizer, rate)
        step.replay()
        average(self.state)
        return step.loss

    def _capture(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        loss = torch.zeros((), device=self.device)
        step = _CapturedStep(torch.empty_like(images), torch.empty_like(labels), loss)

        def work() -> None:
            parts = [(step.images, step.labels)]
            loss.copy_(update(self.state, self.recipe, parts, self.device))

        try:
            step.replay = self.graph_of(work)
        except RuntimeError as error:  # what asks the device for a value, for one
            self.state.optimizer.zero_grad(set_to_none=True)
            self._gave_up = True
            reason = str(error).partition("\n")[0]
            _log.warning("steps are not captured in a graph: %s", reason)
            return
        self._captured[images.shape] = step

    def _on_side_stream(
        self, rate: float, images: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """A plain step, on another stream where the device has any."""
        if self.device.type != "cuda" or self._gave_up:
            return self.plain_step(rate, [(images, labels)])
        current = torch.cuda.current_stream(self.device)
        side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        side.wait_stream(current)
        with torch.cuda.stream(side):
            loss = self.plain_step(rate, [(images, labels)])
        current.wait_stream(side)
        # What one stream frees, the other may still have to read.
        for tensor in (images, labels):
            tensor.record_stream(side)
        loss.record_stream(current)
        return loss
