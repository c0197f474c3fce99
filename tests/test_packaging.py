"""What is shipped is whole: a wheel away from its sources, and what the Dockerfile names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from email.message import Message
from email.parser import Parser
from itertools import takewhile
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PRESETS = sorted(path.stem for path in (ROOT / "scaling_search/presets").iterdir())
TEMPLATES = {path.name for path in (ROOT / "scaling_search/report/templates").iterdir()}
RENDERED = """
import pandas as pd, scaling_search
from pathlib import Path
from scaling_search.report.report_data import ReportData
from scaling_search.report.report_files import write_report
from scaling_search.experiment.presets import preset
from scaling_search.experiment.preset_files import PRESETS
from scaling_search.search.frame import CANDIDATE_COLUMNS
from scaling_search.compare.frames import CURVE_COLUMNS, RUN_COLUMNS

columns = RUN_COLUMNS, CANDIDATE_COLUMNS, CURVE_COLUMNS
frames = [pd.DataFrame(columns=list(each)) for each in columns]
report = write_report(ReportData("t", "q", None, *frames, "", {}, "c"), Path("out"))
print(scaling_search.__file__)
print(*PRESETS, preset("demo").base, len(report.html.read_text()) > 10_000)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources and without any network."""
    pytest.importorskip("setuptools", minversion="77", reason="setuptools builds the wheel")
    sources, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scaling_search", sources / "scaling_search", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(out)]
    subprocess.run([*pip, str(sources)], check=True)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_every_module_and_every_template(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "scaling_search").rglob("*.py")}
    assert modules <= names
    assert {f"scaling_search/report/templates/{name}" for name in TEMPLATES} <= names
    presets = {str(path.relative_to(ROOT)) for path in (ROOT / "scaling_search/presets").iterdir()}
    assert presets
    assert presets <= names
    assert "scaling_search/py.typed" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "results/")) for name in names)


def test_away_from_its_sources_it_has_its_presets_and_renders_a_report(
    wheel: Path, tmp_path: Path
) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    printed = subprocess.run(
        [sys.executable, "-c", RENDERED],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert Path(printed[0]).is_relative_to(tmp_path / "site")
    assert printed[1] == f"{' '.join(PRESETS)} nano True"


def test_installed_in_a_fresh_environment_the_demo_begins(wheel: Path, tmp_path: Path) -> None:
    """Until its first training has ended; what it needs is that of this environment."""
    fresh = tmp_path / "fresh"
    venv.create(fresh, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(fresh / "bin" / "python"), "install"]
    pip += ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True)
    (site,) = (fresh / "lib").glob("python*/site-packages")
    # Looked into after its own: of the package there is the wheel's first.
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = str(fresh / "bin" / "scaling-search")
    words = [program, "run", "--preset", "demo", "--workers", "1", "--device", "cpu"]
    with subprocess.Popen(
        words, cwd=tmp_path, env=bare, text=True, stderr=subprocess.PIPE, start_new_session=True
    ) as demo:
        assert demo.stderr is not None
        said = list(
            takewhile(lambda line: "of the validation images right" not in line, demo.stderr)
        )
        demo.terminate()
        demo.stderr.read()
    assert demo.returncode == 75, said  # asked to make room
    results = (tmp_path / "runs" / "demo" / "ledger.jsonl").read_text().splitlines()
    assert len(results) >= 1
    asked = [str(fresh / "bin" / "python"), "-c", "import scaling_search as s; print(s.__file__)"]
    where = subprocess.run(
        asked, cwd=tmp_path, env=bare, check=True, capture_output=True, text=True
    )
    assert Path(where.stdout.strip()).is_relative_to(fresh)


def test_its_metadata_names_licence_readme_and_the_program(wheel: Path, metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# scaling_search")
    with ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("entry_points.txt")]
        assert "scaling-search = scaling_search.cli.main:main" in archive.read(name).decode()


def test_the_dockerfile_copies_what_there_is_and_is_let_in() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = [
        name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M) for name in line.split()
    ]
    assert {"constraints.txt", "pyproject.toml", "README.md", "LICENSE", "scaling_search"} == {
        *copied
    }
    let_in = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{name}" for name in copied} <= {*let_in}
    assert all((ROOT / name).exists() for name in copied)


def test_the_extras_that_the_dockerfile_installs_are_defined() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    used = re.findall(r"extras=([\w,]+)", (ROOT / "Dockerfile").read_text())
    assert used
    assert {name for each in used for name in each.split(",")} <= {
        *project["optional-dependencies"]
    }
