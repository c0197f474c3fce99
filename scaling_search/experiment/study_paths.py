"""The paths in a study: of its images, and of the weights that it begins with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from scaling_search.experiment.study import Study, with_images


def with_absolute_paths(study: Study) -> Study:
    """The study that finds its images and weights from whichever folder it is read."""
    return with_paths(study, _absolute)


def with_paths(study: Study, change: Callable[[str], str]) -> Study:
    """The study with each path of its images and weights changed."""
    root, init = study.data.root, study.init
    if root is not None:
        study = with_images(study, change(root), False)
    if init is not None and init.is_file:
        study = replace(study, init=replace(init, weights=change(init.weights)))
    return study


def _absolute(root: str) -> str:
    return os.path.abspath(os.path.expanduser(root))  # noqa: PTH100, PTH111 as text
