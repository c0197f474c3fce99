"""A committed run drawn for a paper, on a figure of its own and on the caller's axes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import scaling_search
from scaling_search.core.errors import UserError
from scaling_search.experiment.paper_figure import inches, save_figure
from tests.program import call

RUN = Path(__file__).parents[2] / "results" / "cifar10"


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return scaling_search.figure(RUN, x="macs", width_inches=3.25)


def test_it_is_as_wide_as_asked_and_shows_every_method(drawn: Figure) -> None:
    assert drawn.get_size_inches()[0] == 3.25
    (axes,) = drawn.axes
    assert len(axes.containers) == 6
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels[:2] == ["the base network", "compound scaling"]


def test_a_pdf_holds_its_fonts_as_truetype_and_comes_out_the_same_again(
    drawn: Figure, tmp_path: Path
) -> None:
    first = save_figure(drawn, tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in first
    assert b"/Type3" not in first
    assert save_figure(drawn, tmp_path / "b.pdf").read_bytes() == first


def test_a_png_has_three_hundred_dots_an_inch(drawn: Figure, tmp_path: Path) -> None:
    with Image.open(save_figure(drawn, tmp_path / "a.png")) as picture:
        assert picture.width == 975


def test_a_notebook_displays_it(drawn: Figure) -> None:
    display: Any = drawn
    assert display._repr_png_().startswith(b"\x89PNG")


def test_an_unknown_format_is_a_line(drawn: Figure, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pdf, svg, png, eps, got 'gif'"):
        save_figure(drawn, tmp_path / "a.gif")


def test_it_draws_on_axes_of_ones_own_and_leaves_the_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    left, right = Figure(figsize=(7, 3)).subplots(1, 2)
    assert scaling_search.figure(RUN, "curves", ax=right) is right.figure
    assert len(right.lines) == 6
    assert right.get_legend() is not None
    assert left.lines[:] == []
    assert dict(matplotlib.rcParams) == before


def test_the_program_writes_the_file_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"
    status, printed, _ = call("figure", str(RUN), "curves", "--width", "85mm", "--out", str(path))
    assert status == 0
    assert printed.strip() == str(path)
    assert path.read_bytes().startswith(b"<?xml")


def test_a_landscape_has_a_dot_for_each_candidate_of_the_search(tmp_path: Path) -> None:
    drawn = scaling_search.figure(RUN, "landscape")
    axes, bar = drawn.axes
    rows = (RUN / "tables" / "candidates.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sum(len(np.asarray(dots.get_offsets())) for dots in axes.collections) == len(rows)
    assert bar.get_xlabel() == "validation top-1 (%)"
    assert drawn.get_size_inches()[1] == pytest.approx(1.05 * 3.25)
    own = Figure().subplots()
    assert scaling_search.figure(RUN, "landscape", ax=own) is own.figure
    status, printed, _ = call("figure", str(RUN), "landscape", "--out", str(tmp_path / "a.pdf"))
    assert (status, printed.strip()) == (0, str(tmp_path / "a.pdf"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("figure", str(RUN), str(RUN), "landscape"), "a landscape shows 1 run, got 2"),
        (("figure", str(RUN), "pie"), "a figure is one of accuracy, curves, landscape, got 'pie'"),
        (("figure", str(RUN), "accuracy", "--width", "wide"), "3.25in, 85mm, 8.5cm or 234pt"),
        (("figure", "nowhere", "accuracy"), "nowhere"),
        (("figure", *[str(RUN)] * 5, "accuracy"), "one axis holds 1 to 4 runs, got 5"),
        (("figure", str(RUN), "accuracy", "--format", "gif"), "must be one of pdf, svg, png, eps"),
    ],
)
def test_what_cant_be_drawn_is_one_line(words: tuple[str, ...], said: str) -> None:
    status, printed, told = call(*words)
    assert (status, printed) == (2, "")
    assert said in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "value"), [("3.25in", 3.25), ("254 mm", 10.0), ("2.54cm", 1.0), ("144.54pt", 2.0)]
)
def test_widths_are_in_inches_millimetres_centimetres_or_points(text: str, value: float) -> None:
    assert inches(text) == pytest.approx(value)


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (RUN.parent.parent / "docs" / "figures.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").symlink_to(RUN.parent)
    exec(code, names := dict[str, Any]())
    assert (tmp_path / "accuracy.pdf").stat().st_size > 0
    assert len(names["right"].lines) == 6
