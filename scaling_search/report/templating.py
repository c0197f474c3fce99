"""The report's templates filled in: HTML escaped, Markdown as it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from scaling_search.report.figure_style import Picture

_TEMPLATES = Path(__file__).parent / "templates"


def inlined(name: str) -> Markup:
    """A template as it is: the page's style and script are our own."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def cell_markup(text: object) -> Markup:
    """A table's cell; an interval is not broken into two lines, but may stand on its own."""
    return Markup(re.sub(r"(\[[^\]]*\])", r"<span>\1</span>", str(escape(text))))


def data_uri(picture: Picture) -> str:
    """Return the picture as a data URI: SVG, sharp at any size."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode("ascii")


def render(template: str, words: Mapping[str, object]) -> str:
    """Fill in a template; HTML is escaped, Markdown is not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(words)
