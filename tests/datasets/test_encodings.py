"""Other encodings than the official one are recognised by the values that occur, and converted back."""

import numpy as np
import pytest

from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.encodings import (
    ADE20K_REDUCED,
    CITYSCAPES_TRAIN_IDS,
    COCO_STUFF_171,
    COCO_STUFF_FROM_1,
    COCO_STUFF_IDS,
    FULL_ADE20K,
    by_name,
    recognised,
    recognised_colors,
)

NONE = np.zeros((0, 3), np.uint8)


def names(kind: str, values: set[int], known: set[int] | None = None, colors: np.ndarray = NONE) -> list[str]:
    return [each.name for each in recognised(kind, values, known or set(range(256)), colors)]


def test_official_values_of_coco_stuff_are_no_other_encoding() -> None:
    assert names("coco_stuff", {*COCO_STUFF_IDS, 255}) == []
    assert names("coco_stuff", {0, 1, 255}) == []


def test_the_encodings_of_coco_stuff_are_told_apart() -> None:
    assert names("coco_stuff", {*range(171), 255}) == ["171"]
    assert names("coco_stuff", {0, *(index + 1 for index in COCO_STUFF_IDS)}) == ["1-182"]
    assert names("coco_stuff", {0, 1, 11, 170}) == ["171", "1-182"]
    assert names("coco_stuff", {0, 67, 181}) == ["1-182"]
    assert names("coco_stuff", {11, 26, 181}) == []  # neither: 181 is no 171, and nothing official plus one is 26


def test_cityscapes_train_ids_are_confined() -> None:
    assert names("cityscapes", {0, 1, 2, 255}) == ["trainids"]
    assert names("cityscapes", {7, 8, 11, 26}) == []
    assert names("cityscapes", {7, 8}) == []


def test_ade20k_less_one() -> None:
    assert names("ade20k", {0, 149, 255}, set(range(151))) == ["reduced"]
    assert names("ade20k", {0, 149, 150}, set(range(151))) == []


@pytest.mark.parametrize(
    ("values", "known", "name"),
    [
        ({0, 255}, 2, "times-255"),
        ({0, 85, 170}, 4, "times-85"),
        ({0, 17, 34, 51}, 182, "times-17"),
        ({0, 14, 28, 252}, 19, "times-14"),
        ({0, 23, 46, 232, 255}, 12, "spread"),
        ({0, 1, 2, 200}, 19, None),
        ({0, 200}, 19, None),
        ({0, 17, 34}, 182, None),
    ],
)
def test_values_that_were_spread_over_a_byte(values: set[int], known: int, name: str | None) -> None:
    assert names("folder", values, set(range(known))) == ([] if name is None else [name])


def test_greys_of_a_palette_that_was_turned_into_grey() -> None:
    table = ClassTable.shipped("celebamask_hq")
    found = recognised("celebamask_hq", {0, 61, 113}, range(19), table.colors)
    assert [each.name for each in found] == ["greys"]
    assert found[0].convert is not None
    assert found[0].convert(np.array([[0, 61, 113]])).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("encoding", "values", "official"),
    [
        (COCO_STUFF_171, [0, 11, 170, 255], [0, 12, 181, 255]),
        (COCO_STUFF_FROM_1, [0, 1, 182], [255, 0, 181]),
        (CITYSCAPES_TRAIN_IDS, [0, 18, 255], [7, 33, 0]),
        (ADE20K_REDUCED, [0, 149, 255], [1, 150, 0]),
    ],
)
def test_conversions_give_official_values(encoding, values: list[int], official: list[int]) -> None:  # type: ignore[no-untyped-def]
    assert encoding.convert(np.array([values], np.uint8)).tolist() == [official]


def test_a_value_that_the_encoding_lacks_is_named() -> None:
    assert COCO_STUFF_171.convert is not None
    with pytest.raises(ValueError, match="171 is no value of that encoding"):
        COCO_STUFF_171.convert(np.array([[0, 171]], np.uint8))


def test_colours_of_classes_are_recognised_and_converted_where_one_class_has_them() -> None:
    table, known = ClassTable.shipped("ade20k"), (*range(1, 151), 0)
    pixels = table.colors[[[3, 149], [0, 0]]]
    found = recognised_colors("ade20k", pixels, known, table.colors)
    assert found is not None
    assert found.convert is not None
    assert (found.name, found.convert(pixels).tolist()) == ("colors", [[4, 150], [1, 1]])
    streets = ClassTable.shipped("cityscapes")
    ambiguous = by_name("cityscapes", (*range(34), 255), streets.colors)["colors"].convert
    assert ambiguous is not None
    with pytest.raises(ValueError, match=r"2 classes have the colour \(153, 153, 153\)"):
        ambiguous(streets.colors[[[17]]])


def test_full_ade20k_and_equal_channels_are_recognised() -> None:
    table, known = ClassTable.shipped("ade20k"), (*range(1, 151), 0)
    full = np.array([[[10, 226, 1], [110, 13, 2]]], np.uint8)
    assert recognised_colors("ade20k", full, known, table.colors) is FULL_ADE20K
    assert recognised_colors("cityscapes", full, known, table.colors) is None
    equal = np.full((1, 2, 3), 7, np.uint8)
    found = recognised_colors("cityscapes", equal, known, table.colors)
    assert found is not None
    assert found.convert is not None
    assert (found.name, found.convert(equal).tolist()) == ("equal-channels", [[7, 7]])
