"""Which images make up each split: stratified, seeded cuts of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_search.core.errors import UserError, require
from scaling_search.data.request import DataRequest

Indices: TypeAlias = NDArray[np.int64]


def choose(
    request: DataRequest,
    classes: Sequence[str],
    train_labels: Indices,
    test_labels: Indices,
    own_validation: Indices | None = None,
) -> tuple[Indices, Indices, Indices]:
    """The indices, ascending, of train and validation (in the one pool) and of test (in the other).

    `own_validation` are the labels of a pool of validation images, which is taken whole; none are
    held out of train then. Raises UserError when a cut asks for more images than there are, or when
    a class would be missing from a split.

    Examples:
        >>> import numpy as np
        >>> from scaling_search import DataRequest
        >>> from scaling_search.data.splitting import choose
        >>> labels = np.repeat([0, 1], 10)
        >>> parts = choose(DataRequest(train_images=10), ("a", "b"), labels, labels)
        >>> [np.bincount(labels[part]).tolist() for part in parts]
        [[4, 4], [1, 1], [10, 10]]
    """
    count, seed = len(classes), request.split_seed
    if own_validation is not None:
        train = cut(request.train_images, "train_images", train_labels, count, seed)
        test = cut(request.test_images, "test_images", test_labels, count, seed)
        return train, np.arange(len(own_validation)), test
    pool = cut(request.train_images, "train_images", train_labels, count, seed, each=2)
    pool_labels = train_labels[pool]
    sizes = np.bincount(pool_labels, minlength=len(classes))
    single = [name for name, size in zip(classes, sizes, strict=True) if size < 2]
    rule = "each class needs 2 training images, one of them for validation"
    more = "take more train_images" if len(pool) < len(train_labels) else "add images"
    got = f"one or none of {', '.join(map(repr, single))}"
    if single:
        raise UserError(f"{rule}, got {got}: {more}, or leave such classes out")
    held_out = round(request.validation_fraction * len(pool))
    held_out = min(max(held_out, count), len(pool) - count)
    validation_seed = seed if request.validation_seed is None else request.validation_seed
    validation = stratified(pool_labels, held_out, validation_seed, leave=1)
    train = np.setdiff1d(np.arange(len(pool)), validation)
    test = cut(request.test_images, "test_images", test_labels, count, seed)
    return pool[train], pool[validation], test


def cut(
    count: int | None, field: str, labels: Indices, classes: int, seed: int, each: int = 1
) -> Indices:
    """All indices for None, else a stratified choice of `count`, with `each` of every class.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.data.splitting import cut
        >>> labels = np.repeat([0, 1], 10)
        >>> np.bincount(labels[cut(6, "train_images", labels, classes=2, seed=0)]).tolist()
        [3, 3]
    """
    available = len(labels)
    size = available if count is None else count
    require(size <= available, f"{field} must not exceed the {available} images there are", size)
    least = each * classes
    require(size >= least, f"{field} must be at least {least}, {each} of each class", size)
    return np.arange(available) if count is None else stratified(labels, size, seed, each)


def stratified(labels: Indices, count: int, seed: int, each: int = 1, leave: int = 0) -> Indices:
    """`count` indices in ascending order, each class by its share, at least `each`.

    `leave` images of each class are never taken. Of one seed, the smaller choice lies within the
    larger one where the classes are of equal size.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.data.splitting import stratified
        >>> labels = np.array([0] * 6 + [1] * 3)
        >>> labels[stratified(labels, 3, seed=0)].tolist()
        [0, 0, 1]
    """
    sizes = np.bincount(labels)
    shares = allot(sizes, count, each, leave)
    chosen = [
        np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))[:share]
        for label, share in enumerate(shares)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def allot(sizes: Indices, count: int, each: int = 1, leave: int = 0) -> list[int]:
    """How many of each class to take: by largest remainder, within [each, size - leave].

    Examples:
        >>> import numpy as np
        >>> from scaling_search.data.splitting import allot
        >>> allot(np.array([600, 300, 5]), count=100)
        [66, 33, 1]
    """
    quota = count * sizes / sizes.sum()
    lowest, highest = np.minimum(each, sizes), np.maximum(sizes - leave, 0)
    shares = np.clip(np.floor(quota).astype(np.int64), lowest, highest)
    while (missing := count - int(shares.sum())) != 0:
        step = 1 if missing > 0 else -1
        room = shares < highest if step > 0 else shares > lowest
        lack = np.where(room, step * (quota - shares), -np.inf)
        shares[np.argmax(lack)] += step
    return [int(share) for share in shares]
