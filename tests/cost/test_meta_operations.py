"""What is remembered of operations on the meta device is what doing them again would say."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from scaling_search.arch import zoo
from scaling_search.cost import memory
from scaling_search.cost.memory import peak_memory
from scaling_search.cost.meta_operations import MetaOperations
from scaling_search.cost.task import Task

ATEN = torch.ops.aten


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def each_time(operation: Any, args: Any, kwargs: Any) -> Any:
    return operation(*args, **kwargs)


@pytest.mark.parametrize("task", ["inference", "training"])
@pytest.mark.parametrize("name", ["nano", "micro", "efficientnet-b0-small"])
def test_the_peak_is_that_of_operations_done_each_time(
    name: str, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = peak_memory.__wrapped__(zoo.get(name), task, 2)
    monkeypatch.setattr(memory, "MetaOperations", lambda: each_time)
    assert peak_memory.__wrapped__(zoo.get(name), task, 2) == remembered


def test_a_result_has_its_shape_strides_and_type_again_and_a_storage_of_its_own() -> None:
    done, images = MetaOperations(), meta(2, 3, 4, 4).to(memory_format=torch.channels_last)
    first, second = (done(ATEN.gt.Scalar, (images, 0), {}) for _ in range(2))
    assert (second.shape, second.stride(), second.dtype) == (
        images.shape,
        images.stride(),
        torch.bool,
    )
    assert first.untyped_storage() is not second.untyped_storage()
    assert done(ATEN.gt.Scalar, (meta(5), 0), {}).shape == (5,)


def test_all_arguments_count_and_so_do_those_by_name() -> None:
    done, row = MetaOperations(), meta(4, 6)
    sums = [done(ATEN.sum.dim_IntList, (row, [axis]), {}).shape for axis in (0, 1, 0)]
    assert sums == [(6,), (4,), (6,)]
    kinds = [
        done(ATEN.sum.default, (row,), {"dtype": d}).dtype for d in (None, torch.float64, None)
    ]
    assert kinds == [torch.float32, torch.float64, torch.float32]


def test_a_view_stays_one_and_numbers_are_computed() -> None:
    done, row = MetaOperations(), meta(4)
    for _ in range(2):
        assert done(ATEN.view.default, (row, [2, 2]), {})._is_view()
    real = [done(ATEN.add.Tensor, (torch.tensor(1), torch.tensor(n)), {}) for n in (1, 2)]
    assert [int(each) for each in real] == [2, 3]
