"""What makes two values the same piece of work: a digest of their content.

Only what differs from a field's default counts. So a field that is added later, with a default
that means "as before", leaves every result that lies in a ledger valid; in return a default never
changes its meaning.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any


def digest(value: object) -> str:
    """16 hexadecimal digits of the content of plain values and dataclasses, nested as one likes.

    Examples:
        >>> from scaling_search.core.hashing import digest
        >>> from scaling_search.training.recipe import Recipe
        >>> digest(Recipe()) == digest(Recipe(learning_rate=0.1)), digest(Recipe(learning_rate=0.2))
        (True, '59dbb0bd9214ea7d')
    """
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def canonical(value: object) -> object:
    """The value as JSON types: dataclasses without defaults and names, 6 and 6.0 alike.

    Examples:
        >>> from scaling_search.core.hashing import canonical
        >>> from scaling_search.training.recipe import Recipe
        >>> canonical(Recipe(learning_rate=0.1, batch_size=128))
        {'batch_size': 128.0}
    """
    if is_dataclass(value):
        counted = [(f, getattr(value, f.name)) for f in fields(value) if f.compare]
        return {f.name: canonical(item) for f, item in counted if item != _default(f)}
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
