"""The documentation's site: it builds strictly, has every public name, and loads nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import scaling_search

ROOT = Path(__file__).parent.parent
pytest.importorskip("mkdocs", reason="mkdocs is not installed")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")


def build(site: Path, config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    command += ["--config-file", str(config), "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = build(out, ROOT / "mkdocs.yml")
    assert built.returncode == 0, built.stderr
    return out


def test_its_first_page_is_the_readme_and_every_page_of_docs_is_there(site: Path) -> None:
    assert "How should depth, width and resolution" in (site / "index.html").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / "docs" / f"{page.stem}.html").exists(), page.name


def test_every_page_of_docs_is_in_the_navigation(site: Path) -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    assert all(f"docs/{page.name}" in menu for page in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", scaling_search.__all__)
def test_every_public_name_has_its_signature_there(site: Path, name: str) -> None:
    value = getattr(scaling_search, name)
    assert f'id="{value.__module__}.{name}"' in (site / "docs" / "api.html").read_text()


def test_its_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in ("index.html", "docs/api.html", "results/findings.html"):
        text = (site / page).read_text()
        assert not re.search(r'<(script|img|iframe)[^>]+src="https?:', text)
        assert not re.search(r'<link[^>]+rel="(stylesheet|preconnect)"[^>]+href="https?:', text)
        assert not re.search(r'<link[^>]+href="https?:[^>]+rel="(stylesheet|preconnect)"', text)
