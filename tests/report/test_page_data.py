"""What the page's script draws from: the frames' own numbers."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaling_search.report.candidates_table import candidates_table
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.method_styles import LOOKS, OWN_LOOKS
from scaling_search.report.page_colours import GROUND, INK, on_dark
from scaling_search.report.page_data import page_data, page_json
from scaling_search.report.page_frames import NetworkDetails, PageFrames
from tests.report.frames import curves_frame, gate_frame, runs_frame, search_frame
from tests.report.test_method_styles import VISIONS, seen

STUDIES = {
    ("depth", 1.0): 'name = "a"\n\n[data]\nname = "x"\n\n[recipe]\nclip_norm = 0.0\n',
    ("width", 1.0): 'name = "b"\n\n[data]\nname = "x"\n\n[recipe]\nclip_norm = 0.0\n',
}


def frames(runs: pd.DataFrame | None = None, **other: Any) -> PageFrames:
    runs = runs_frame() if runs is None else runs
    return PageFrames("trial", runs, search_frame(), curves_frame(), **other)


def network(data: dict[str, Any], key: str) -> dict[str, Any]:
    match: dict[str, Any]
    (match,) = [each for each in data["networks"] if each["key"] == key]
    return match


def test_networks_stand_in_the_order_of_their_table_with_its_numbers() -> None:
    table = comparison_table(runs_frame()).numbers
    networks = page_data(frames())["networks"]
    assert [each["method"] for each in networks] == list(table["method"])
    assert [each["top1"] for each in networks] == pytest.approx(list(table["test_top1_percent"]))
    assert [each["low"] for each in networks] == pytest.approx(list(table["test_low_percent"]))


def test_candidates_stand_in_the_order_of_their_table_with_shares_that_add_up() -> None:
    table = candidates_table(search_frame()).numbers
    candidates = page_data(frames())["candidates"]
    assert [each["network"] for each in candidates] == list(table["network"])
    assert all(sum(each["shares"]) == pytest.approx(1) for each in candidates)


def test_an_axis_is_offered_where_every_network_has_a_value() -> None:
    def axes(of: PageFrames) -> list[str]:
        return [cost["name"] for cost in page_data(of)["costs"]]

    counted = ["macs", "params", "activations", "train_seconds"]
    prints = dict.fromkeys(runs_frame()["fingerprint"], 1024)
    assert axes(frames()) == counted
    assert axes(frames(details=NetworkDetails(peaks=prints))) == [*counted, "peak_bytes"]
    prints.pop("depth-2")
    assert axes(frames(details=NetworkDetails(peaks=prints))) == counted


def test_time_is_an_axis_where_networks_were_timed() -> None:
    keys = runs_frame()[["method", "phi"]].drop_duplicates()
    timed = keys.assign(latency_ms=[1.5 * place for place in range(len(keys))])
    data = page_data(frames(latency=timed))
    assert "latency_ms" in [cost["name"] for cost in data["costs"]]
    assert network(data, "compound-phi1")["costs"]["latency_ms"] == 1.5


def test_a_measured_peak_is_shown_before_a_simulated_one() -> None:
    peaks = dict.fromkeys(runs_frame()["fingerprint"], 1024)
    both = frames(peaks={"depth-1": 4096}, details=NetworkDetails(peaks=peaks, task="inference"))
    data = page_data(both)
    assert network(data, "depth-phi1")["costs"]["peak_bytes"] == 4096
    assert network(data, "width-phi1")["costs"]["peak_bytes"] == 1024


def test_curves_are_percent_by_epoch_with_every_seed_and_their_mean() -> None:
    curve = network(page_data(frames()), "depth-phi2")["curves"]
    assert curve["epochs"] == list(range(1, 10))
    top1 = curve["validation_top1"]
    assert sorted(top1["seeds"]) == ["0", "1", "2"]
    assert top1["mean"][8] == pytest.approx(np.mean([each[8] for each in top1["seeds"].values()]))
    assert top1["seeds"]["0"][8] == pytest.approx(56 * (1 - 0.8 * np.exp(-9 / 2.5)), rel=1e-4)


def test_a_training_that_failed_has_its_reason_and_no_number() -> None:
    runs = runs_frame()
    runs.loc[0, ["status", "test_top1", "validation_top1"]] = ("diverged", np.nan, np.nan)
    first = network(page_data(frames(runs)), "base-phi0")["trainings"][0]
    assert first == {"seed": 0, "status": "diverged", "top1": None, "validation": None}


def test_a_study_comes_whole_from_its_pieces_and_what_studies_share_is_held_once() -> None:
    data = page_data(frames(details=NetworkDetails(studies=STUDIES)))
    for key, text in (("depth-phi1", STUDIES["depth", 1.0]), ("width-phi1", STUDIES["width", 1.0])):
        pieces = [data["pieces"][place] for place in network(data, key)["study"]]
        assert "\n\n".join(pieces) == text
    assert len(data["pieces"]) == 4
    assert network(data, "depth-phi1")["file"] == "a.toml"
    assert network(data, "compound-phi1")["study"] is None


def test_the_text_is_strict_json_without_an_opening_bracket() -> None:
    text = page_json(PageFrames("<b>", runs_frame(seeds=1), search_frame(), curves_frame(seeds=1)))
    assert "<" not in text
    assert "NaN" not in text
    assert json.loads(text)["title"] == "<b>"


def test_nothing_at_all_is_data_too() -> None:
    empty = PageFrames("", runs_frame()[:0], search_frame()[:0], curves_frame()[:0])
    data = page_data(empty)
    assert (data["networks"], data["candidates"], data["costs"]) == ([], [], [])


def luminance(colour: str) -> float:
    srgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour: str, other: str) -> float:
    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_method_is_seen_on_the_dark_page_and_told_from_the_others() -> None:
    colours = [on_dark(look.colour) for look in (*LOOKS.values(), *OWN_LOOKS)]
    assert all(contrast(colour, GROUND["dark"]) >= 3 for colour in colours)
    for one, other in combinations(colours, 2):
        for vision in VISIONS:
            apart = np.linalg.norm(seen(one, vision) - seen(other, vision))
            assert apart > 14, (one, other, vision)


def test_ink_is_read_on_either_ground() -> None:
    assert all(contrast(INK[theme], GROUND[theme]) >= 7 for theme in GROUND)


def test_the_gate_has_the_mean_of_its_trainings_and_a_look_a_method() -> None:
    data = page_data(frames(gate=gate_frame()))
    means = {each["method"]: each["top1"] for each in data["gate"]}
    assert means == pytest.approx({"base": 62.5, "depth": 66.5, "width": 71.5, "resolution": 69.5})
    assert [len(each["trainings"]) for each in data["gate"]] == [2] * 4
    alone = page_data(
        PageFrames("trial", runs_frame()[:0], search_frame(), curves_frame()[:0], gate=gate_frame())
    )
    assert {each["name"] for each in alone["methods"]} == set(means)
    assert page_data(frames())["gate"] == []


def test_candidates_say_their_second_objective_and_whether_they_are_on_the_front() -> None:
    data = page_data(frames(second="macs"))
    assert data["second"] == "MACs"
    compared = [each for each in data["candidates"] if each["compared"]]
    assert [each["second"] for each in compared] == [each["macs"] for each in compared]
    for each in compared:
        beaten = any(
            other["top1"] >= each["top1"] and other["second"] < each["second"] for other in compared
        )
        assert each["on_front"] != beaten
    assert {each["second"] for each in page_data(frames())["candidates"]} == {None}
