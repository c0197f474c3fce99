"""The tutorial is a notebook: run as a reader runs it, with fewer images, epochs and trainings."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

nbformat: Any = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient: Any = pytest.importorskip("nbclient", reason="nbclient is not installed")
traitlets: Any = pytest.importorskip("traitlets.config", reason="traitlets is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
SMALL = """
from dataclasses import replace

images, trainings, seeds = 160, 4, 2
demo = replace(
    demo,
    data=replace(demo.data, test_images=200),
    search=replace(demo.search, rungs=(replace(demo.search.rungs[0], epochs=2),)),
    compare=replace(demo.compare, epochs=2),
)
"""
OF_COUNTS = 2  # the cells that train nothing come first


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> list[str]:
    """What a cell printed, and its value as text."""
    return [each.get("text") or each.data.get("text/plain", "") for each in cell.outputs]


def is_parameters(cell: Any) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


@pytest.fixture(scope="module")
def run_again(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook as it comes out of a kernel in an empty folder."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if is_parameters(cell)]
    parameters.source = SMALL
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("reader"))}}
    limits = {"timeout": 600, "startup_timeout": 600}
    with tempfile.TemporaryDirectory() as folder:  # sockets need a short name
        # Through files and not through ports: those may be taken before the kernel takes them.
        kernel = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
        config = traitlets.Config(KernelManager=kernel)
        client = nbclient.NotebookClient(notebook, config=config, resources=where, **limits)
        return client.execute()


@pytest.mark.slow
def test_every_cell_runs_and_nothing_is_warned_of(run_again: Any) -> None:
    streams = [each for cell in code_cells(run_again) for each in cell.outputs]
    assert not [each.text for each in streams if each.get("name") == "stderr"]
    assert [cell.execution_count for cell in code_cells(run_again)] == list(
        range(1, len(code_cells(run_again)) + 1)
    )


def test_what_is_counted_is_what_the_page_shows(run_again: Any) -> None:
    shown = code_cells(nbformat.read(TUTORIAL, as_version=4))
    for now, then in zip(code_cells(run_again)[:OF_COUNTS], shown, strict=False):
        assert texts(now) == texts(then) != []


def test_the_page_shows_what_each_cell_came_to() -> None:
    for cell in code_cells(nbformat.read(TUTORIAL, as_version=4)):
        kinds = {each.get("name", each.output_type) for each in cell.outputs}
        assert kinds <= {"stdout", "execute_result", "display_data"}
        assert kinds or is_parameters(cell) or cell.source.endswith('Path("runs/tutorial"))')


def test_the_page_ends_with_the_picture(run_again: Any) -> None:
    for notebook in (run_again, nbformat.read(TUTORIAL, as_version=4)):
        *_, last = code_cells(notebook)
        assert any("image/png" in each.get("data", {}) for each in last.outputs)
