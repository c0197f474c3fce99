"""Presets: studies that are ready to run, each a file that can be read, copied and changed."""

from __future__ import annotations

import difflib
from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.experiment.study import Study, read_study

_FOLDER = Path(__file__).parent.parent / "presets"
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""Their names."""


def preset(name: str) -> Study:
    """A study that is ready to run; raises UserError with the nearest name for an unknown one.

    >>> preset("demo").base
    'nano'
    """
    if name in PRESETS:
        return read_study(_FOLDER / f"{name}.toml")
    near = difflib.get_close_matches(name, PRESETS, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"unknown preset {name!r}: {hint}known are {', '.join(PRESETS)}")
