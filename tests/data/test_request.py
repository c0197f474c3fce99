from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from scaling_search.core.errors import UserError
from scaling_search.data.load import dataset_names
from scaling_search.data.request import DataRequest


def test_six_data_sets_are_known() -> None:
    names = ("typefaces", "fashion-mnist", "cifar10", "cifar100", "imagenette", "imagefolder")
    assert dataset_names() == names


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 'fashion-mnist'"):
        DataRequest("fashion_mnist")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("train_images", 0),
        ("test_images", -1),
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("split_seed", -1),
        ("root", "/somewhere"),
        ("name", "../typefaces"),
    ],
)
def test_a_value_out_of_range_is_named_in_one_line(field: str, value: Any) -> None:
    with pytest.raises(UserError, match=field if field != "name" else "data set") as caught:
        DataRequest(**{field: value})
    assert "\n" not in str(caught.value)


def test_imagefolder_needs_a_root_and_is_not_downloaded() -> None:
    with pytest.raises(UserError, match="imagefolder needs a root"):
        DataRequest("imagefolder")
    with pytest.raises(UserError, match="can't be downloaded"):
        DataRequest("imagefolder", root="x", download=True)


def test_a_misspelt_key_of_a_file_is_refused() -> None:
    adapter = TypeAdapter(DataRequest)
    assert adapter.validate_python({"name": "cifar10", "root": "x"}).root == "x"
    with pytest.raises(ValidationError, match="train_image"):
        adapter.validate_python({"name": "typefaces", "train_image": 3})
