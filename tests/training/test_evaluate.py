"""Scoring: the share of right answers, with folded norms the same answers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scaling_search.training import evaluate
from scaling_search.training.evaluate import accuracy, folded
from tests.training.small import CPU, PX, RECIPE, split, trainer


class Brightness(nn.Module):
    """Says class 0 for every image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.tensor([1.0, 0, 0, 0]).expand(len(images), 4)


@pytest.mark.parametrize("images", [300, 1200])
def test_accuracy_is_the_share_of_right_answers_in_every_batch_size(images: int) -> None:
    # More than one evaluation batch, without and with folding; every fourth image is of class 0.
    assert accuracy(Brightness(), split(images), RECIPE, CPU) == 0.25


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def test_folded_norms_answer_alike_and_leave_the_network_as_it_was() -> None:
    training = trainer(epochs=1)
    training.run()
    model = training.model.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(5, 1, PX, PX)
    with torch.inference_mode():
        twin = folded(model)
        assert torch.allclose(twin(images), model(images), atol=1e-5)
    assert norms(twin) == 0
    assert norms(model) > 0
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_norm_after_a_convolution_is_folded_in_a_sequence_alone() -> None:
    class Otherwise(nn.Module):
        """Runs its norm before its convolution."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.conv(self.norm(images))
            return answer

    model = nn.Sequential(Otherwise(), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    assert norms(folded(model)) == 2


def test_many_images_are_scored_folded_and_get_the_same_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = trainer(epochs=2)
    training.run()
    images = split(400, seed=2)
    plain = accuracy(training.model, images, RECIPE, CPU)
    monkeypatch.setattr(evaluate, "FOLDED_FROM_IMAGES", 0)
    assert accuracy(training.model, images, RECIPE, CPU) == plain
