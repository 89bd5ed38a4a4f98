"""Resizing to 299 x 299: closed forms, and where the ways differ."""

import math

import numpy as np
import pytest

from sdm_bench.errors import UserError
from sdm_bench.metrics import resize

SIZES = [(40, 60), (600, 800), (299, 299), (257, 1000)]


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", resize.RESIZES)
@pytest.mark.parametrize("size", SIZES)
def test_shape_type_and_range(name: str, size: tuple[int, int]) -> None:
    pixels = resize.RESIZES[name].pixels(picture(*size))
    assert (pixels.shape, pixels.dtype) == ((299, 299, 3), np.float32)
    assert 0 <= pixels.min() <= pixels.max() <= 255
    network_input = resize.RESIZES[name](picture(*size))
    assert tuple(network_input.shape) == (3, 299, 299)


@pytest.mark.parametrize("name", resize.RESIZES)
def test_channels_stay_apart_and_a_constant_stays(name: str) -> None:
    image = np.broadcast_to(np.array([10, 128, 255], np.uint8), (50, 70, 3)).copy()
    np.testing.assert_allclose(resize.RESIZES[name].pixels(image), np.full((299, 299, 3), [10, 128, 255]), atol=1e-4)


@pytest.mark.parametrize("name", ["clean", "legacy_pytorch"])
def test_a_picture_of_the_right_size_is_untouched(name: str) -> None:
    image = picture(299, 299)
    np.testing.assert_allclose(resize.RESIZES[name].pixels(image), image, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "black", "white"), [("clean", -1, 127 / 128), ("legacy_pytorch", -1, 1), ("sdm", -1, 1)]
)
def test_the_scaling_of_the_network_input(name: str, black: float, white: float) -> None:
    for value, expected in ((0, black), (255, white)):
        image = np.full((299, 299, 3), value, np.uint8)
        np.testing.assert_allclose(resize.resize_mode(name)(image).numpy(), expected, atol=1e-6)


def test_legacy_takes_two_neighbours_whatever_the_scale() -> None:
    """Without antialiasing the value at output x is interpolated at (x + 1/2) W / 299 - 1/2."""
    row = np.random.default_rng(1).integers(0, 256, 1000).astype(np.uint8)
    image = np.broadcast_to(row[None, :, None], (20, 1000, 3)).copy()
    expected = np.interp((np.arange(299) + 0.5) * 1000 / 299 - 0.5, np.arange(1000), row)
    np.testing.assert_allclose(resize.legacy_pytorch(image)[150, :, 0], expected, atol=2e-2)


def test_clean_averages_what_legacy_aliases() -> None:
    """Columns of 0, 255, 255, 0, ...: shrunk four times, the antialiased picture is grey, the other one white."""
    row = np.tile(np.array([0, 255, 255, 0], np.uint8), 299)
    image = np.broadcast_to(row[None, :, None], (299, 1196, 3)).copy()
    assert np.abs(resize.clean(image)[100, 10:-10] - 127.5).max() < 1
    assert resize.legacy_pytorch(image)[100, 10:-10].min() == 255


def test_clean_is_not_rounded_but_clipped() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 255
    values = resize.clean(image)
    assert (values.min(), values.max()) == (0, 255)
    assert np.abs(values - values.round()).max() > 0.1
    rounded = resize.pillow_8bit(image)
    assert np.abs(rounded - values).max() <= 0.5 + 1e-3


def test_sdm_squashes_to_a_square_first() -> None:
    """A ramp along 512 columns, smoothed and halved to 256: in the middle the value of column c is 2 c + 1/2 of it."""
    ramp = np.broadcast_to((np.arange(512) // 2).astype(np.uint8)[None, :, None], (256, 512, 3)).copy()
    squashed = resize.sdm_squash(ramp)
    assert squashed.shape == (256, 256, 3)
    np.testing.assert_allclose(squashed[100, 20:-20, 1], np.arange(20, 236), atol=0.3)


def test_sdm_smooths_an_edge_by_half_the_factor_less_one() -> None:
    """1024 columns to 256: a Gaussian of 1.5 columns, read at (c + 1/2) 4 - 1/2."""
    edge = np.zeros((64, 1024, 3), np.uint8)
    edge[:, 512:] = 255
    distance = (np.arange(256) + 0.5) * 4 - 0.5 - 511.5
    expected = [255 * 0.5 * (1 + math.erf(each / 1.5 / math.sqrt(2))) for each in distance]
    np.testing.assert_allclose(resize.sdm_squash(edge)[100, :, 0], expected, atol=4)


def test_sdm_smooths_on_shrinking_only() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resize.sdm_squash(stripes)[100, 5:-5] - 127.5).max() < 1
    small = picture(256, 256)
    np.testing.assert_array_equal(resize.sdm_squash(small), small)


def test_an_unknown_way_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown resize mode 'legacy'. Did you mean 'legacy_pytorch'\?|clean"):
        resize.resize_mode("legacy")
