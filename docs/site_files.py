"""The site's files lie in it as in the repository, so that one link serves in both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parent.parent
SHOWN = (
    *(
        "*.md",
        "LICENSE",
        "CITATION.cff",
        "docs/*.md",
        "docs/*.ipynb",
        "examples/**/*",
        "benchmarks/*.md",
    ),
    *(f"results/**/*.{e}" for e in ("md", "svg", "png", "csv", "html", "toml", "json", "txt")),
    *("benchmarks/**/*.py", "results/**/*.py", "scaling_search/**/*.py", "tests/**/*.py"),
)
"""What pages link to: themselves, pictures, tables, and the code that made them."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take what pages may link to, from the root of the repository on."""
    themes = [file for file in files if file.src_dir != config.docs_dir]
    found = sorted({path for pattern in SHOWN for path in ROOT.glob(pattern) if path.is_file()})
    ours = [
        File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path))
        for path in found
        if "__pycache__" not in path.parts
    ]
    notebooks = sorted((ROOT / "docs").glob("*.ipynb"))
    return Files([*themes, *ours, *(file for each in notebooks for file in _pages(each, config))])


def _pages(notebook: Path, config: MkDocsConfig) -> Iterator[File]:
    """A notebook as a page of the same name beside it, and the pictures that it shows."""
    text, resources = MarkdownExporter().from_filename(str(notebook))  # type: ignore[no-untyped-call]
    beside = notebook.relative_to(ROOT).parent
    yield File.generated(config, (beside / f"{notebook.stem}.md").as_posix(), content=text)
    for name, content in resources["outputs"].items():
        yield File.generated(config, (beside / name).as_posix(), content=content)
