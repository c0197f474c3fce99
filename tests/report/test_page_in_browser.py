"""The page in a real browser, opened from disk with the network cut off."""

from __future__ import annotations

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scaling_search.report.figures import accuracy_picture, curves_picture, gate_picture
from scaling_search.report.page import page_html, tables_of, template_values
from scaling_search.report.page_frames import NetworkDetails
from scaling_search.report.report_data import ReportData
from tests.jobs.small import PATIENCE_SECONDS
from tests.report.frames import (
    CONSTANTS,
    SHARE_NAMES,
    curves_frame,
    gate_frame,
    runs_frame,
    search_frame,
)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_core = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")

PATIENCE_MS = 1000 * PATIENCE_SECONDS
STUDY = 'name = "trial-width-phi2"\n\n[data]\nname = "typefaces"\n'
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs, epochs = runs_frame(), curves_frame()
    single = epochs[epochs["method"] == "width"].query("phi == 2")
    search, shares = search_frame(), list(SHARE_NAMES)
    search.loc[1, shares] = search.loc[2, shares].to_numpy()  # two at one place
    candidate = str(search["network"][0])
    details = NetworkDetails(
        studies={("width", 2.0): STUDY},
        peaks=dict(zip(runs["fingerprint"], 1000 * runs["px"], strict=True)),
        task="inference",
        search_curves=single.assign(network=candidate).drop(columns=["method", "phi"]),
    )
    evidence = ReportData(
        title="trial",
        question="How should micro grow?",
        constants=CONSTANTS,
        runs=runs,
        search=search,
        curves=epochs,
        study_toml='name = "trial"\n',
        environment={"torch": "2.14.1"},
        command="scaling-search run study.toml --out trial",
        details=details,
        gate_runs=gate_frame(),
        second="macs",
    )
    page = page_html(
        template_values(evidence, tables_of(evidence)),
        (accuracy_picture(runs, "macs"), curves_picture(epochs), gate_picture(gate_frame())),
    )
    assert '<section id="gate"' in page
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            timeout=PATIENCE_MS,
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def contexts(browser: Any) -> Iterator[Callable[..., Any]]:
    """Contexts by their options, each made once: tabs keep what they know to themselves."""
    made: dict[str, Any] = {}

    def context(**options: Any) -> Any:
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(offline=True, **options)
        return made[key]

    yield context
    for each in made.values():
        each.close()


@pytest.fixture
def opened(contexts: Callable[..., Any], report: Path) -> Iterator[Open]:
    """Opens the page offline; at the end nothing was loaded and nothing complained."""
    pages, complaints, requests = [], list[str](), set[str]()

    def opened(width: int = 1100, **options: Any) -> Any:
        page = contexts(**options).new_page()
        pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.add(request.url.partition(":")[0]))
        page.goto(report.as_uri())
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
    assert requests <= {"file", "data", "blob"}


def mark(page: Any, figure: str, key: str) -> Any:
    return page.locator(f'#live-{figure} .mark[data-key="{key}"]')


def marks(page: Any, figure: str) -> int:
    return int(page.locator(f"#live-{figure} .mark").count())


def test_it_draws_three_figures_in_place_of_the_still_ones(opened: Open) -> None:
    page = opened()
    assert [marks(page, name) for name in ("accuracy", "landscape", "curves")] == [9, 30, 5]
    assert not page.locator("#accuracy img").is_visible()


def test_the_gate_and_the_second_objective_are_drawn_too(opened: Open) -> None:
    page = opened()
    assert (marks(page, "gate"), marks(page, "pareto")) == (4, 30)
    mark(page, "gate", "gate width").hover()
    assert "71.50 % (n = 2)" in page.locator("#live-gate .tip").inner_text()
    mark(page, "gate", "gate width").click()
    assert "single trainings" in page.locator(".chosen-network dl").inner_text()
    front = page.locator('#live-pareto .mark path[fill="var(--compound)"]').count()
    said = page.locator("#pareto_macs td").all_inner_texts()
    assert front == said.count("yes")


def test_without_its_script_it_shows_the_still_ones(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("#accuracy img").is_visible()
    assert page.locator(".live").count() == 0


def test_the_axis_is_a_choice(opened: Open) -> None:
    page = opened()
    plot = page.locator("#live-accuracy .plot")
    for choice, label in (
        ("Parameters", "parameters"),
        ("Memory", "peak memory in bytes, inference, simulated"),
        ("Training time", "time of one training (s)"),
        ("FLOPs", "FLOPs (multiply-adds)"),
    ):
        page.locator("#live-accuracy").get_by_label(choice, exact=True).check()
        assert label in plot.text_content()


def test_a_method_is_hidden_and_shown_in_all_figures(opened: Open) -> None:
    page = opened()
    button = page.locator('#live-accuracy [data-method="width"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert (marks(page, "accuracy"), marks(page, "curves")) == (7, 4)
    page.locator('#live-curves [data-method="width"]').click()
    assert (marks(page, "accuracy"), marks(page, "curves")) == (9, 5)


def test_single_trainings_are_shown_on_demand(opened: Open) -> None:
    page = opened()
    dots = page.locator("#live-accuracy svg.figure > circle")
    assert dots.count() == 0
    page.locator("#live-accuracy").get_by_label("single trainings").check()
    assert dots.count() == len(runs_frame())
    assert page.locator("#live-curves").get_by_label("single trainings").is_checked()


def test_hovering_names_the_network(opened: Open) -> None:
    page = opened()
    mark(page, "accuracy", "width-phi2").hover()
    said = page.locator("#live-accuracy .tip").inner_text()
    assert "width alone, φ = 2" in said
    assert "α^φ 1.00, β^φ 2.00, γ^φ 1.00, side 24 px" in said
    assert "5.54 M MACs" in said
    assert "n = 3" in said
    mark(page, "landscape", "candidate " + search_frame()["network"][3]).hover(force=True)
    assert "validation top-1" in page.locator("#live-landscape .tip").inner_text()


def test_a_click_shows_facts_row_curve_and_command(opened: Open) -> None:
    page = opened()
    mark(page, "accuracy", "width-phi2").click()
    panel = page.locator(".chosen-network")
    assert "width alone, φ = 2" in panel.inner_text()
    assert "scaling-search run trial-width-phi2.toml" in panel.inner_text()
    assert panel.locator("svg").count() == 1
    row = page.locator("#comparison tr.chosen").inner_text()
    assert row.split()[:2] == ["width", "2"]
    panel.get_by_text("Close").click()
    assert not panel.is_visible()


def test_a_row_of_the_search_shows_its_candidate(opened: Open) -> None:
    page = opened()
    page.locator("#candidates tbody button").nth(0).click()
    said = page.locator(".chosen-network").inner_text()
    assert "the best" in said
    assert "scaling-search compare study.toml --alpha" in said


def test_of_two_at_one_place_a_second_click_chooses_the_lower(opened: Open) -> None:
    page = opened()
    names = {f"candidate {name}" for name in search_frame()["network"][1:3]}
    place = mark(page, "landscape", min(names)).get_attribute("transform")
    upper = page.locator(f'#live-landscape .mark[transform="{place}"]').last
    upper.hover()
    assert "1 more at this place" in page.locator("#live-landscape .tip").inner_text()
    titles = set()
    for _ in range(2):
        upper.click()
        titles.add(page.locator(".chosen-network h3").inner_text())
    assert titles == names


def test_the_keyboard_reaches_every_mark(opened: Open) -> None:
    page = opened()
    page.locator('#live-accuracy .mark[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#live-accuracy .tip").is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#live-accuracy .mark.chosen").count() == 1
    assert page.evaluate("document.activeElement.classList.contains('chosen')")


def test_a_table_is_sorted_by_a_click_on_its_head(opened: Open) -> None:
    page = opened()
    head = page.locator("#comparison th", has_text="test top-1")
    column = head.evaluate("head => head.cellIndex")
    js = "(rows, column) => rows.map(row => parseFloat(row.cells[column].textContent))"

    def values() -> list[float]:
        found: list[float] = page.locator("#comparison tbody tr").evaluate_all(js, column)
        return found

    before = values()
    head.get_by_role("button").click()
    assert (values(), head.get_attribute("aria-sort")) == (sorted(before), "ascending")
    head.get_by_role("button").click()
    assert values() == sorted(before, reverse=True)
    head.get_by_role("button").click()
    assert (values(), head.get_attribute("aria-sort")) == (before, None)


def saved(page: Any, figure: str, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(f"#live-{figure}").get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_figures_and_data_are_downloaded(opened: Open) -> None:
    page = opened(color_scheme="dark")
    name, data = saved(page, "accuracy", "PNG")
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    assert (name, picture.width) == ("accuracy.png", 1520)
    assert picture.getpixel((2, 2)) == (255, 255, 255)  # for paper, whatever the page looks like
    name, data = saved(page, "landscape", "SVG")
    assert ET.fromstring(data).tag.endswith("svg")
    assert b"var(" not in data
    assert "can't be told from the best" in data.decode()
    name, data = saved(page, "accuracy", "CSV")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [row["method"] for row in rows][:2] == ["base", "compound"]
    assert {float(row["peak_bytes"]) for row in rows} == {1000.0 * px for px in runs_frame()["px"]}


def test_the_study_of_a_network_is_downloaded_whole(opened: Open) -> None:
    page = opened()
    mark(page, "accuracy", "width-phi2").click()
    with page.expect_download() as download:
        page.get_by_text("Download trial-width-phi2.toml").click()
    assert Path(download.value.path()).read_text() == STUDY


def test_choices_outlive_a_reload(opened: Open) -> None:
    page = opened()
    page.locator("#live-accuracy").get_by_label("Parameters", exact=True).check()
    page.locator('#live-accuracy [data-method="depth"]').click()
    mark(page, "accuracy", "width-phi2").click()
    page.reload()
    assert page.locator("#live-accuracy").get_by_label("Parameters", exact=True).is_checked()
    assert marks(page, "accuracy") == 7
    assert "width alone" in page.locator(".chosen-network").inner_text()


@pytest.mark.parametrize(("scheme", "ground"), [("light", 255), ("dark", 21)])
def test_axe_has_no_serious_complaint(opened: Open, scheme: str, ground: int) -> None:
    page = opened(color_scheme=scheme)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour.startswith(f"rgb({ground},")
    mark(page, "accuracy", "width-phi2").click()
    page.locator('#live-accuracy [data-method="depth"]').click()
    violations = axe_core.Axe().run(page).response["violations"]
    grave = [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
    assert json.dumps(grave) == "[]"


def test_nothing_is_wider_than_the_window(opened: Open) -> None:
    for width in (390, 1100):
        page = opened(width)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    tables = page.locator(".table").evaluate_all(
        "all => all.map(t => t.scrollWidth - t.clientWidth)"
    )
    assert max(tables) == 0


def test_on_paper_there_is_a_legend_and_no_control(opened: Open) -> None:
    page = opened(color_scheme="dark")
    page.locator('#live-accuracy [data-method="depth"]').click()
    page.emulate_media(media="print")
    assert page.locator("input:visible").count() == 0
    keys = page.locator("#live-accuracy .keys button:visible").all_inner_texts()
    assert keys == ["the base network", "compound scaling", "width alone", "resolution alone"]
    assert page.locator("#live-accuracy svg.figure").is_visible()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(255, 255, 255)"
