"""Presets as studies."""

from __future__ import annotations

from scaling_search.experiment.preset_files import preset_text
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import from_toml


def preset(name: str) -> Study:
    """A study that is ready to run; its images' root is relative to the working directory.

    Raises UserError as `preset_text` does.

    Examples:
        >>> from scaling_search.experiment.presets import preset
        >>> demo = preset("demo")
        >>> demo.base, demo.data.name, demo.budget.resource
        ('nano', 'typefaces', 'macs')
    """
    return from_toml(preset_text(name), f"preset {name}")
