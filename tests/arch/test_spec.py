"""Architectures as values."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, asdict, replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from scaling_search.arch import zoo
from scaling_search.arch.blocks import BlockKind
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.core.errors import UserError


def tiny(**changes: Any) -> Architecture:
    stages = (Stage("mbconv", 8, 1, stride=2, expansion=2),)
    fields: dict[str, Any] = {
        "stages": stages,
        "stem_channels": 8,
        "head_channels": 16,
        "resolution_px": 8,
    }
    return Architecture(name="tiny", **(fields | changes))


def test_the_name_does_not_make_another_network() -> None:
    other = tiny().with_name("other")
    assert other.name == "other"
    assert other == tiny()
    assert hash(other) == hash(tiny())
    assert other.fingerprint == tiny().fingerprint


@pytest.mark.parametrize(
    "change",
    [{"resolution_px": 9}, {"dropout": 0.1}, {"num_classes": 7}, {"stem_stride": 1}],
)
def test_any_other_field_makes_another_network(change: dict[str, int]) -> None:
    assert tiny(**change) != tiny()
    assert tiny(**change).fingerprint != tiny().fingerprint


def test_a_fingerprint_is_16_hexadecimal_digits_and_the_same_in_every_process() -> None:
    # The value is pinned: ledgers of older runs are found by it.
    assert zoo.get("efficientnet-b0").fingerprint == "8ffd5d9b5fb6acc9"


def test_whole_numbers_and_floats_that_are_equal_give_one_fingerprint() -> None:
    whole, floating = (tiny(stages=(Stage("mbconv", 8, 1, expansion=e),)) for e in (2, 2.0))
    assert whole == floating
    assert whole.fingerprint == floating.fingerprint


@pytest.mark.parametrize("name", zoo.network_names())
def test_every_network_survives_the_way_through_a_file(name: str) -> None:
    adapter = TypeAdapter(Architecture)
    network = zoo.get(name)
    assert adapter.validate_python(asdict(network)) == network
    read = adapter.validate_json(adapter.dump_json(network))
    assert read == network
    assert read.name == name
    assert read.fingerprint == network.fingerprint


def test_a_misspelt_key_of_a_file_is_refused() -> None:
    record = asdict(tiny()) | {"resolution": 8}
    with pytest.raises(ValidationError, match="resolution"):
        TypeAdapter(Architecture).validate_python(record)


def test_a_pickled_network_equals_and_hashes_as_before() -> None:
    network = tiny()
    assert network.fingerprint
    again = pickle.loads(pickle.dumps(network))
    assert {network: 1}[again] == 1


def test_a_stage_is_found_in_a_cache_by_an_equal_one() -> None:
    stage = Stage("mbconv", 8, 2)
    assert {stage: 1}[replace(stage)] == 1
    assert stage.once == Stage("mbconv", 8, 1)
    assert stage.once.once is stage.once


def test_a_network_can_not_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        tiny().dropout = 0.5  # type: ignore[misc]  # frozen


def test_fitted_changes_what_is_asked_and_nothing_else() -> None:
    fitted = tiny().fitted(in_channels=1, num_classes=10)
    assert (fitted.in_channels, fitted.num_classes, fitted.resolution_px) == (1, 10, 8)
    assert tiny().fitted(resolution_px=32) == tiny(resolution_px=32)


def test_stages_know_the_channels_that_enter_them() -> None:
    b0 = zoo.get("efficientnet-b0")
    assert [channels for channels, _ in b0.staged()] == [32, 16, 24, 40, 80, 112, 192]


def test_the_total_stride_is_that_of_stem_and_stages_together() -> None:
    assert tiny().total_stride == 4
    assert zoo.get("efficientnet-b0").total_stride == 32


def test_a_resolution_below_the_strides_is_refused_with_the_way_out() -> None:
    assert tiny(resolution_px=4).resolution_px == 4
    with pytest.raises(UserError, match="tiny need images of at least 4 px, got 3: ask for"):
        tiny(resolution_px=3)


@pytest.mark.parametrize(
    "change",
    [
        {"stages": ()},
        {"stem_channels": 0},
        {"num_classes": 0},
        {"head_channels": -1},
        {"dropout": 1.0},
    ],
)
def test_a_network_that_can_not_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UserError):
        tiny(**change)


@pytest.mark.parametrize(
    "change",
    [{"repeats": 0}, {"group_width": -1}, {"expansion": 0}, {"squeeze": 1.5}],
)
def test_a_stage_that_can_not_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        replace(Stage("mbconv", 8, 1), **change)


@pytest.mark.parametrize(
    ("stage", "option"),
    [
        (("separable", 8, 1), {"expansion": 2}),
        (("basic", 8, 1), {"squeeze": 0.25}),
        (("basic", 8, 1), {"group_width": 8}),
        (("convnext", 8, 1), {"squeeze_activation": "relu"}),
    ],
)
def test_an_option_that_a_block_does_not_read_is_refused_by_name(
    stage: tuple[BlockKind, int, int], option: dict[str, Any]
) -> None:
    (name,) = option
    with pytest.raises(UserError, match=f"{name} must be left out in a stage of {stage[0]} blocks"):
        Stage(*stage, **option)
