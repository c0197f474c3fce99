"""Operations on the meta device, each kind done once.

There a result is a shape and nothing else, and yet torch works it out in Python, for a batch norm
by dozens of operations. A deep network does the same on the same shapes again and again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import torch

MOST_REMEMBERED = 10_000  # some megabytes
_PLAIN = {bool, int, float, str, torch.dtype, torch.device, torch.layout, torch.memory_format}
_Layout = tuple[torch.Size, tuple[int, ...], torch.dtype]


class MetaOperations:
    """Does operations of torch; the shapes that one comes to are remembered by its arguments.

    An operation is done each time where its result may be a view of an argument, or where an
    argument is neither plain nor a tensor of the meta device.

    Examples:
        >>> import torch
        >>> from scaling_search.cost.meta_operations import MetaOperations
        >>> done, row = MetaOperations(), torch.empty(2, 3, device="meta")
        >>> [done(torch.ops.aten.mul.Tensor, (row, row), {}).shape for _ in range(2)]
        [torch.Size([2, 3]), torch.Size([2, 3])]
    """

    def __init__(self) -> None:
        self._layouts: dict[Hashable, tuple[_Layout | None, ...]] = {}

    def __call__(self, operation: Any, args: Any, kwargs: Any) -> Any:
        """What the operation returns."""
        if any(each.alias_info is not None for each in operation._schema.returns):
            return operation(*args, **kwargs)
        try:
            key = operation, _plain(args), _plain(tuple(kwargs.items()))
        except TypeError:
            return operation(*args, **kwargs)
        layouts = self._layouts.get(key)
        if layouts is not None:
            made = tuple(map(_made, layouts))
            return made if len(operation._schema.returns) > 1 else made[0]
        result = operation(*args, **kwargs)
        returned = result if isinstance(result, tuple) else (result,)
        if all(each is None or isinstance(each, torch.Tensor) for each in returned):
            self._remember(key, returned)
        return result

    def _remember(self, key: Hashable, returned: tuple[torch.Tensor | None, ...]) -> None:
        """Keep the layouts, where each tensor is the whole of a storage of its own."""
        there = [each for each in returned if each is not None]
        apart = len({id(each.untyped_storage()) for each in there}) == len(there)
        if apart and all(map(_is_whole, there)):
            if len(self._layouts) >= MOST_REMEMBERED:
                self._layouts.clear()
            self._layouts[key] = tuple(map(_layout, returned))


def tensors_in(values: Any) -> Iterator[torch.Tensor]:
    """The tensors among an operation's arguments or results, in lists and tuples too.

    Examples:
        >>> import torch
        >>> from scaling_search.cost.meta_operations import tensors_in
        >>> len([*tensors_in((torch.ones(1), [torch.ones(2), None], 3))])
        2
    """
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for each in values:
            yield from tensors_in(each)


def _plain(value: Any) -> Hashable:
    """All that a result's shapes hang on; raises TypeError for a value that may be more."""
    if isinstance(value, torch.Tensor):
        if value.is_meta:
            return _layout(value)
    elif isinstance(value, tuple | list):
        return tuple([_plain(each) for each in value])
    elif value is None or type(value) in _PLAIN:
        return type(value), value
    raise TypeError


def _layout(tensor: torch.Tensor | None) -> _Layout | None:
    return None if tensor is None else (tensor.shape, tensor.stride(), tensor.dtype)


def _made(layout: _Layout | None) -> torch.Tensor | None:
    if layout is None:
        return None
    size, stride, dtype = layout
    return torch.empty_strided(size, stride, dtype=dtype, device="meta")


def _is_whole(tensor: torch.Tensor) -> bool:
    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    sizes = {int(each.untyped_storage().nbytes()) for each in (tensor, made)}
    return tensor.is_meta and len(sizes) == 1 and int(tensor.storage_offset()) == 0
