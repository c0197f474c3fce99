"""The user's own network as a TOML file: a table of stages, data and not code.

    name = "mine"
    resolution_px = 32
    stem_channels = 16
    head_channels = 128

    [[stages]]
    block = "mbconv"
    channels = 24
    repeats = 2
    stride = 2
    expansion = 4

Every field of `Architecture` and `Stage` is a key, with the same default.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.core import toml_config

_NETWORKS = TypeAdapter(Architecture)


def network_from_toml(text: str, source: str = "network") -> Architecture:
    """The network of a TOML text; raises UserError naming `source`, line, key and rule.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.experiment.network_file import network_from_toml
        >>> network = network_from_toml('''name = "mine"
        ... resolution_px = 32
        ... stem_channels = 16
        ... head_channels = 128
        ... stages = [{block = "mbconv", channels = 24, repeats = 2, stride = 2, expansion = 4}]''')
        >>> network.total_stride, count(network).macs
        (4, 1182720)
    """
    values = toml_config.parsed(text, source)
    return toml_config.validated(_NETWORKS, values, text, source, _known)


def read_network(path: Path) -> Architecture:
    """The network of a TOML file; raises UserError when it can't be read or is wrong."""
    return network_from_toml(toml_config.read_text(path, "network"), str(path))


def network_named(name: str) -> Architecture:
    """A network of the zoo by its name, or one of the user's by its file's name (….toml).

    Examples:
        >>> from scaling_search.experiment.network_file import network_named
        >>> network_named("resnet-50").resolution_px
        224
    """
    return read_network(Path(name)) if is_file_name(name) else zoo.get(name)


def is_file_name(name: str) -> bool:
    """Whether a network's (or a recipe's) name is a file's, in whatever case its ending is."""
    return name.lower().endswith(".toml")


def _known(where: toml_config.Location) -> str:
    at: Any = zoo.get("micro")
    for part in where:
        at = at[0] if isinstance(part, int) else getattr(at, str(part))
    return ", ".join(field.name for field in fields(at))
