"""The files of the presets: studies that are ready to run, to be read, copied and changed."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import NamedTuple

from scaling_search.core.errors import UserError

_FOLDER = Path(__file__).parent.parent / "presets"
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""Their names."""


class Expectation(NamedTuple):
    """What a preset's file says of itself: its hours and on what, the accuracy that it comes to."""

    hours: str
    accuracy: str


def preset_text(name: str) -> str:
    """The file of a preset; raises UserError with the nearest name for an unknown one.

    Examples:
        >>> from scaling_search.experiment.preset_files import preset_text
        >>> preset_text("demo").splitlines()[0]
        '# scaling-search run --preset demo'
    """
    if name in PRESETS:
        return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    near = difflib.get_close_matches(name, PRESETS, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"unknown preset {name!r}: {hint}known are {', '.join(PRESETS)}")


def expectation(name: str) -> Expectation:
    """What is said at the head of a preset's file; raises UserError as `preset_text` does.

    Examples:
        >>> from scaling_search.experiment.preset_files import expectation
        >>> expectation("demo").hours
        '0.1 on 2 CPU cores'
    """
    text = preset_text(name)
    return Expectation(*(_said(text, of) for of in Expectation._fields))


def _said(text: str, of: str) -> str:
    line = re.search(rf"^# {of}: (.+)$", text, re.MULTILINE)
    return line[1] if line else "not said"
