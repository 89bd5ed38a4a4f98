"""Recipes of resizing, beyond what the parity cases fix."""

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Resampling

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable, Example
from sdm_bench.datasets.transforms import Transform, crop, flip, halved, resize, resize_map, short_side_range


def example(height: int, width: int) -> Example:
    """A picture whose red is the row, green the column; the label is the column's third."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 255 // height, columns * 255 // width, 0 * rows], 2).astype(np.uint8)
    label = (columns * 3 // width).astype(np.int64)
    return Example("a", image, label, (label + 24000).astype(np.int32))


def test_evaluation_squashes_to_the_size_and_keeps_ids() -> None:
    for recipe in ("sdm", "spade"):
        item = Transform(recipe, (16, 16), keeps_aspect=False, training=False)(example(70, 130))
        assert item.image is not None
        assert item.image.shape == (16, 16, 3)
        assert item.label.dtype == np.int64
        assert set(item.label.ravel()) == {0, 1, 2}
        assert item.instance is not None
        assert np.array_equal(item.instance, item.label + 24000)


def test_the_released_recipe_reads_instance_ids_in_eight_bits() -> None:
    kept, saturated = (
        Transform(recipe, (16, 16), keeps_aspect=False, training=False)(example(70, 130)).instance
        for recipe in ("sdm", "sdm-released")
    )
    assert kept is not None
    assert set(kept.ravel()) == {24000, 24001, 24002}
    assert saturated is not None
    assert set(saturated.ravel()) == {255}


def test_the_recipes_differ_where_a_picture_shrinks_by_more_than_half() -> None:
    rng = np.random.default_rng(0)
    noise = Example("a", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), np.zeros((64, 64), np.int64), None)
    images = [Transform(recipe, (16, 16), False, training=False)(noise).image for recipe in ("sdm", "spade")]
    bicubic = np.asarray(Image.fromarray(noise.image).resize((16, 16), Resampling.BICUBIC))
    assert np.array_equal(images[1], bicubic)
    assert not np.array_equal(images[0], images[1])


def test_oasis_trains_on_whole_pictures_that_are_mirrored_at_most() -> None:
    """For every dataset; in SPADE's recipe the crop moves."""
    whole = Transform("oasis", (16, 16), keeps_aspect=False, training=False)(example(70, 130)).image
    assert whole is not None
    assert np.array_equal(whole, Transform("spade", (16, 16), False, training=False)(example(70, 130)).image)
    seen = {}
    for recipe in ("oasis", "spade"):
        transform = Transform(recipe, (16, 16), keeps_aspect=False, training=True)
        items = [transform(example(70, 130), np.random.default_rng(seed)) for seed in range(12)]
        seen[recipe] = {item.image.tobytes() for item in items if item.image is not None}
    assert seen["oasis"] == {whole.tobytes(), np.ascontiguousarray(whole[:, ::-1]).tobytes()}
    assert len(seen["spade"]) > 2


def test_segmenters_see_larger_crops_in_other_colours_of_the_same_classes() -> None:
    transform = Transform("segmentation", (16, 32), keeps_aspect=True, training=True)
    items = [transform(example(64, 128), np.random.default_rng(seed)) for seed in range(20)]
    widths = [int(item.label.max()) - int(item.label.min()) + 1 for item in items]
    assert {item.label.shape for item in items} == {(16, 32)}
    assert min(widths) < 3
    blues = {int(item.image[..., 2].max()) for item in items if item.image is not None}
    assert len(blues) > 5
    assert np.array_equal(items[3].image, transform(example(64, 128), np.random.default_rng(3)).image)


def test_in_a_mirrored_picture_left_and_right_change_places() -> None:
    """CelebAMask-HQ's left eye is its right one then, for segmenters; generators see it as it was, as the papers do."""
    mirrored = ClassTable.shipped("celebamask_hq").mirrored
    assert mirrored[mirrored].tolist() == list(range(19))
    assert np.flatnonzero(mirrored != np.arange(19)).tolist() == [4, 5, 6, 7, 8, 9]
    label = np.full((8, 8), 13, np.int64)
    label[:, :2] = 4
    face = Example("a", np.zeros((8, 8, 3), np.uint8), label, None)
    for recipe, expected in (("segmentation", {4, 5}), ("sdm", {4})):
        transform = Transform(recipe, (8, 8), keeps_aspect=True, training=True, mirrored=mirrored)
        found = [transform(face, np.random.default_rng(seed)).label for seed in range(30)]
        eyes = {int(each[0, column]) for each in found for column in (0, -1) if each[0, column] != 13}
        assert eyes == expected
        assert all((each[:, 0] != 5).all() for each in found)


def test_training_draws_crops_and_flips_from_its_generator() -> None:
    transform = Transform("sdm", (16, 16), keeps_aspect=False, training=True)
    first, again, other = (transform(example(64, 64), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)
    flips = [transform(example(64, 64), np.random.default_rng(seed)) for seed in range(40)]
    mirrored = sum(item.image[0, 0, 1] > item.image[0, -1, 1] for item in flips)
    assert 10 < mirrored < 30


def test_training_crops_are_between_0_8_and_1_of_the_picture() -> None:
    transform = Transform("sdm", (20, 20), keeps_aspect=False, training=True)
    shares = []
    for seed in range(60):
        item = transform(example(100, 100), np.random.default_rng(seed))
        shares.append((int(item.image[..., 0].max()) - int(item.image[..., 0].min())) / 255)
    assert 0.70 < min(shares) < 0.82
    assert max(shares) > 0.92
    assert short_side_range(256) == (256, 321)


def test_cityscapes_is_not_cropped() -> None:
    transform = Transform("sdm", (16, 32), keeps_aspect=True, training=True)
    for seed in range(5):
        item = transform(example(64, 128), np.random.default_rng(seed))
        assert item.image.shape == (16, 32, 3)
        assert {item.image[0, 0, 1] // 8, item.image[0, -1, 1] // 8} == {0, 31}


def test_maps_take_the_nearest_value_and_lose_no_bits() -> None:
    ids = np.array([[26001, 26002], [65535, 7]], np.int32)
    assert np.array_equal(resize_map(ids, (4, 4)), ids.repeat(2, 0).repeat(2, 1))
    assert resize_map(ids, (4, 4)).dtype == np.int32


def test_a_photograph_of_another_size_is_brought_to_its_map() -> None:
    small = example(32, 32)
    item = resize(Example("a", example(64, 64).image, small.label, None), (16, 16))
    assert item.image is not None
    assert item.image.shape[:2] == item.label.shape == (16, 16)


def test_windows_mirrors_and_halves() -> None:
    item = crop(example(10, 12), 2, 3, (4, 5))
    assert np.array_equal(item.label, example(10, 12).label[2:6, 3:8])
    assert np.array_equal(flip(flip(item)).image, item.image)
    assert np.array_equal(flip(item).label, item.label[:, ::-1])
    assert halved(Image.new("L", (130, 70)), 32).size == (65, 35)
    assert halved(Image.new("L", (128, 64)), 32).size == (64, 32)
    assert halved(Image.new("L", (128, 64)), None).size == (128, 64)


def test_unknown_recipes_are_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown recipe 'sade'\. Did you mean 'spade'"):
        Transform("sade", (16, 16), keeps_aspect=False, training=False)
