"""One job in this process: what comes of it."""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.core.errors import StoppedError, UserError
from scaling_search.data import load
from scaling_search.data.load import load_split
from scaling_search.jobs import execute as module
from scaling_search.jobs import starting_network
from scaling_search.jobs.execute import execute
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Diverged, Finished, OutOfMemory
from scaling_search.nets import compilation
from scaling_search.nets.build import build as build_network
from scaling_search.nets.fitting import state_digest
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.nets.weights import read_weights
from scaling_search.training.history import EpochRecord
from scaling_search.training.loop import Trainer
from tests.jobs.small import DATA, NETWORK, RECIPE, job, place, without_times


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: Any, **__: Any) -> nn.Module:
        raise error

    monkeypatch.setattr(starting_network, "build", build)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the splits that were loaded."""
    names: list[str] = []

    def load(request: Any, split: Any, px: int, device: Any) -> Any:
        names.append(split)
        return load_split(request, split, px, device)

    monkeypatch.setattr(module, "load_split", load)
    return names


def test_a_finished_job_has_its_history_and_last_accuracy() -> None:
    result = execute(job(epochs=2), Place())
    assert isinstance(result, Finished)
    assert [record.epoch for record in result.history] == [1, 2]
    assert result.validation_top1 == result.history[-1].validation_top1
    assert result.train_seconds == result.history[-1].train_seconds


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_how_float32_was_multiplied_is_recorded_and_left_as_it_was(precision: Any) -> None:
    # torch puts an object in the place of this module.
    before = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    result = execute(job(recipe=replace(RECIPE, precision=precision)), Place())
    assert isinstance(result, Finished)
    assert result.float32 == "ieee"  # a CPU has no TF32
    assert torch.backends.cudnn.conv.fp32_precision == before  # type: ignore[attr-defined]


@pytest.mark.slow
def test_what_a_job_compiled_is_forgotten_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    # The networks are one piece of code, of which torch keeps two versions before it gives up.
    graphs: list[str] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append("compiled")
        return graph.forward

    compile_module = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda m, mode, **o: compile_module(m, backend=backend, **o)
    )
    monkeypatch.setattr(compilation, "MOST_VERSIONS", 2)
    recipe = replace(RECIPE, compile="default")
    for number in range(4):
        graphs.clear()
        network = replace(NETWORK, head_channels=8 * (1 + number))
        assert isinstance(execute(job(architecture=network, recipe=recipe), Place()), Finished)
        assert graphs == ["compiled"]


def test_a_job_that_compiles_nothing_leaves_what_the_process_has_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.compiler, "reset", None)
    assert isinstance(execute(job(), Place()), Finished)


def test_tf32_on_a_cpu_is_float32_to_the_bit() -> None:
    short = execute(job(recipe=replace(RECIPE, precision="tf32")), Place())
    assert without_times(short) == without_times(execute(job(), Place()))


def test_a_job_of_the_search_never_loads_the_test_split(loaded: list[str]) -> None:
    result = execute(job(), Place())
    assert isinstance(result, Finished)
    assert result.test_top1 is None
    assert loaded == ["train", "validation"]


def test_a_job_of_the_comparison_loads_it_once_at_its_end(loaded: list[str]) -> None:
    seen_at_epoch: list[list[str]] = []
    result = execute(
        job(reads_test=True), Place(), on_epoch=lambda _: seen_at_epoch.append(list(loaded))
    )
    assert isinstance(result, Finished)
    assert result.test_top1 is not None
    assert 0 <= result.test_top1 <= 1
    assert seen_at_epoch == [["train", "validation"]]
    assert loaded == ["train", "validation", "test"]


def test_the_same_job_gives_the_same_result() -> None:
    assert without_times(execute(job(), Place())) == without_times(execute(job(), Place()))


def test_a_training_is_not_repeated_to_read_the_test_split(tmp_path: Path) -> None:
    steps: list[bool] = []

    def count_step() -> bool:
        steps.append(True)
        return False

    searched = execute(job(), place(tmp_path))
    compared = execute(job(reads_test=True), place(tmp_path), stop_asked=count_step)
    assert steps == []
    assert isinstance(compared, Finished)
    assert replace(compared, test=None, test_classes=None) == searched


def test_the_finished_network_is_scored_at_another_side_on_request(
    tmp_path: Path, loaded: list[str]
) -> None:
    plain = execute(job(), place(tmp_path))
    recipe = replace(RECIPE, evaluate_px_factor=1.5)
    steps: list[bool] = []

    def count_step() -> bool:
        steps.append(True)
        return False

    requested = job(recipe=recipe, reads_test=True)
    result = execute(requested, place(tmp_path), stop_asked=count_step)
    assert steps == []  # the training is the same
    assert isinstance(plain, Finished)
    assert isinstance(result, Finished)
    assert plain.other_side is None
    assert result.validation_top1 == plain.validation_top1
    assert result.other_side is not None
    assert result.other_side.px == 12
    assert 0 <= result.other_side.validation.top1 <= 1
    assert result.other_side.test is not None


def test_a_search_job_scores_another_side_without_the_test_split(loaded: list[str]) -> None:
    result = execute(job(recipe=replace(RECIPE, evaluate_px_factor=0.5)), Place())
    assert isinstance(result, Finished)
    assert result.other_side is not None
    assert result.other_side.test is None
    assert "test" not in loaded


@pytest.fixture
def initial(tmp_path: Path) -> InitialWeights:
    """Weights of a network for ten classes, and how it saw images."""
    torch.manual_seed(7)
    state, path = build_network(NETWORK, num_classes=10).state_dict(), tmp_path / "w.safetensors"
    safetensors.torch.save_file(state, path)
    source = replace(NETWORK, num_classes=10)
    return InitialWeights(str(path), state_digest(state), source, (0.5,), (0.1,))


def test_a_training_begins_with_the_weights_it_is_given_and_sees_as_they_do(
    initial: InitialWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Trainer] = []

    class Begun(Trainer):
        """Looks at the network before its first step."""

        def run(self) -> list[EpochRecord]:
            begun.append(self)
            state = read_weights(Path(initial.path))
            for name, tensor in self.model.state_dict().items():
                if not name.startswith("head.classifier"):
                    assert torch.equal(tensor, state[name]), name
            assert len(self.model.state_dict()["head.classifier.bias"]) == 20
            return super().run()

    monkeypatch.setattr(module, "Trainer", Begun)
    frozen = replace(RECIPE, backbone_rate=0.0)
    result = execute(job(initial=initial, recipe=frozen, reads_test=True), Place())
    assert isinstance(result, Finished)
    (training,) = begun
    for split in (training.train, training.validation):
        assert split.mean.tolist() == [0.5]
        assert split.std.tolist() == pytest.approx([0.1])
    # The split that is kept in memory for others has its own.
    assert load_split(DATA, "train", 8, "cpu").mean.tolist() != [0.5]


def test_weights_in_another_network_make_another_training_that_resumes(
    initial: InitialWeights, tmp_path: Path
) -> None:
    deeper = scale(NETWORK, Multipliers(depth=2, width=1.5))
    requested = job(architecture=deeper, initial=initial, recipe=replace(RECIPE, backbone_rate=0.5))
    straight = execute(requested, place(tmp_path / "whole"))
    assert without_times(straight) != without_times(
        execute(replace(requested, initial=None), Place())
    )
    steps: list[bool] = []

    def stop() -> bool:
        steps.append(True)
        return len(steps) == 3

    with pytest.raises(StoppedError):
        execute(requested, place(tmp_path / "cut"), stop_asked=stop)
    assert without_times(execute(requested, place(tmp_path / "cut"))) == without_times(straight)


def test_weights_that_are_gone_are_an_error_of_one_line(initial: InitialWeights) -> None:
    Path(initial.path).unlink()
    with pytest.raises(UserError, match="the weights that trainings begin with must still lie"):
        execute(job(initial=initial), Place())


def test_a_diverging_training_is_a_result() -> None:
    result = execute(job(recipe=replace(RECIPE, learning_rate=1e20)), Place())
    assert isinstance(result, Diverged)
    assert result.reason.startswith("the loss of epoch 1 is")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_no_memory_is_a_result_with_its_batch_size_and_the_next_job_runs(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fails_with(error, patch)
        assert execute(job(), Place()) == OutOfMemory(RECIPE.batch_size, str(error))
    assert isinstance(execute(job(), Place()), Finished)


LACKING = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    MemoryError(),
    torch.AcceleratorError("CUDA error: out of memory", 2),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
]


@pytest.mark.parametrize("error", LACKING, ids=lambda error: str(error)[:30])
def test_a_shortage_that_passes_is_no_verdict_and_the_second_try_has_room(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[weakref.ref[nn.Module]] = []

    def build(*given: Any, **named: Any) -> nn.Module:
        if models:  # what the first try had loaded and built is gone
            assert models[0]() is None
            assert len(path) == 2  # its own two splits, loaded anew
        model = build_network(*given, **named)
        models.append(weakref.ref(model))
        if len(models) == 1:
            raise type(error)(*error.args)  # this one would keep what it passed through
        return model

    path = load._splits._values
    load.forget_splits()
    split = load_split(DATA, "test", 8, "cpu")
    path["something else", "test", 8, torch.device("cpu")] = split
    monkeypatch.setattr(starting_network, "build", build)
    assert without_times(execute(job(), Place())) == without_times(execute(job(), Place()))
    assert len(models) == 3


def test_an_error_of_another_kind_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def build(*_: Any, **__: Any) -> nn.Module:
        tries.append(1)
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered", 700)

    monkeypatch.setattr(starting_network, "build", build)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        execute(job(), Place())
    assert tries == [1]


def test_no_memory_of_the_machine_is_a_result_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: Any, **__: Any) -> nn.Module:
        torch.empty(1 << 60)
        raise AssertionError("an exabyte of memory")

    monkeypatch.setattr(starting_network, "build", build)
    result = execute(job(), Place())
    assert isinstance(result, OutOfMemory)
    assert result.batch_size == RECIPE.batch_size
    assert "allocate" in result.reason


def test_any_other_error_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(RuntimeError("a bug"), monkeypatch)
    with pytest.raises(RuntimeError, match="a bug"):
        execute(job(), Place())


def test_asked_to_stop_it_keeps_a_checkpoint_and_says_so(tmp_path: Path) -> None:
    requested = job(epochs=3)
    with pytest.raises(StoppedError):
        execute(requested, place(tmp_path), stop_asked=lambda: True)
    (path,) = (tmp_path / "checkpoints" / requested.shared_hash).glob("*.safetensors")
    assert path.name.startswith("000000001-")


def test_without_a_place_for_checkpoints_none_are_kept() -> None:
    assert Place().checkpoint_policy(job(), lambda: False) is None


def test_the_small_set_is_what_the_jobs_say_it_is() -> None:
    assert len(load_split(DATA, "train", 8, "cpu")) == job().train_images
