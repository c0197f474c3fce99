"""Scoring: the share of right answers, with folded norms the same answers."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest
import torch
from torch import nn

from scaling_search.data.splits import ResidentSplit
from scaling_search.training import evaluate
from scaling_search.training.evaluate import evaluate_split as evaluation
from scaling_search.training.evaluate import folded, score
from scaling_search.training.history import ClassCounts
from tests.training.small import CPU, PX, RECIPE, split, trainer


class Brightness(nn.Module):
    """Says class 0 for every image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.tensor([1.0, 0, 0, 0]).expand(len(images), 4)


@pytest.mark.parametrize("images", [300, 1200])
def test_accuracy_is_the_share_of_right_answers_in_every_batch_size(images: int) -> None:
    # More than one evaluation batch, without and with folding; every fourth image is of class 0.
    assert score(Brightness(), split(images), RECIPE, CPU).top1 == 0.25


class Told(nn.Module):
    """Gives the logits that it was told, whatever it sees."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits


def labelled(*labels: int) -> ResidentSplit:
    images = torch.zeros(len(labels), 1, PX, PX, dtype=torch.uint8)
    return ResidentSplit(images, torch.tensor(labels), torch.tensor([0.5]), torch.tensor([0.5]))


def test_each_class_is_counted_and_balanced_accuracy_is_the_mean_of_their_shares() -> None:
    says = Told([[1.0, 0.0, 0.0]] * 4 + [[0.0, 1.0, 0.0]] + [[0.0, 0.0, 1.0]])
    scored = evaluation(says, labelled(0, 0, 0, 1, 1, 2), RECIPE, CPU)
    assert scored.classes == ClassCounts(images=(3, 2, 1), right=(3, 1, 1))
    assert scored.classes.balanced_accuracy == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert scored.scores.top1 == pytest.approx(5 / 6)
    assert ClassCounts((4, 0), (1, 0)).balanced_accuracy == 0.25  # a class without images


def test_the_loss_is_the_mean_cross_entropy_without_smoothing() -> None:
    # Two classes with logits 0 and ln 3 have the probabilities 1/4 and 3/4.
    model = Told([[0.0, log(3)], [0.0, log(3)], [0.0, log(3)], [log(3), 0.0]])
    scores = score(model, labelled(1, 1, 0, 0), replace(RECIPE, label_smoothing=0.3), CPU)
    assert scores.loss == pytest.approx((3 * log(4 / 3) + log(4)) / 4)
    assert (scores.top1, scores.top5) == (0.75, 1.0)


def test_top5_counts_the_first_five_of_many_classes() -> None:
    logits = [float(-place) for place in range(8)]
    scores = score(Told([logits] * 4), labelled(0, 4, 5, 7), RECIPE, CPU)
    assert (scores.top1, scores.top5) == (0.25, 0.5)


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
    plain = score(training.model, images, RECIPE, CPU)
    monkeypatch.setattr(evaluate, "FOLDED_FROM_IMAGES", 0)
    scores = score(training.model, images, RECIPE, CPU)
    assert (scores.top1, scores.top5) == (plain.top1, plain.top5)
    assert scores.loss == pytest.approx(plain.loss, rel=1e-5)
