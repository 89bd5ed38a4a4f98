"""Resizing to 299 x 299: closed forms, and where the ways differ."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from sdm_bench.base.errors import UserError
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


@pytest.mark.parametrize("name", ["clean", "legacy_pytorch", "tf1"])
def test_a_picture_of_the_right_size_is_untouched(name: str) -> None:
    image = picture(299, 299)
    np.testing.assert_allclose(resize.RESIZES[name].pixels(image), image, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "black", "white"),
    [("clean", -1, 127 / 128), ("legacy_pytorch", -1, 1), ("tf1", -1, 127 / 128), ("sdm", -1, 1)],
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


@pytest.mark.parametrize("size", SIZES)
def test_tf1_is_torch_fidelity_s_interpolation_to_the_bit(size: tuple[int, int]) -> None:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    batch = torch.from_numpy(picture(*size).transpose(2, 0, 1)).float()[None]
    expected = interpolate_bilinear_2d_like_tensorflow1x(batch, size=(299, 299), align_corners=False)[0]
    np.testing.assert_array_equal(resize.tf1(picture(*size)), expected.numpy().transpose(1, 2, 0))
    assert torch.equal(resize.resize_mode("tf1")(picture(*size)), (expected - 128) / 128)


def test_tf1_starts_at_the_first_pixel_not_half_a_pixel_before_its_centre() -> None:
    """The value at output x is interpolated at x W / 299, so the last one lies on the last input when enlarging."""
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None], (20, 100, 3)).copy()
    expected = np.minimum(np.arange(299) * 100 / 299, 99)
    np.testing.assert_allclose(resize.tf1(ramp)[150, :, 0], expected, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_clean_is_clean_fid_s_resizer_to_the_bit(size: tuple[int, int]) -> None:
    from cleanfid.resize import make_resizer

    expected = make_resizer("PIL", False, "bicubic", (299, 299))(picture(*size))
    np.testing.assert_array_equal(resize.clean(picture(*size)), expected)


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


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_resizing_before_is_pillow_s_of_the_saved_picture(kernel: str) -> None:
    found = resize.resized_before(picture(40, 60), (20, 90), kernel)
    expected = Image.fromarray(picture(40, 60)).resize((90, 20), getattr(Image, kernel.upper()))
    assert (found.shape, found.dtype) == ((20, 90, 3), np.uint8)
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_resizing_before_averages_and_can_be_left_out() -> None:
    """Columns of 0 and 200, shrunk twice: grey in both kernels; at its own size a picture stays."""
    stripes = np.zeros((32, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    for kernel in ("bicubic", "bilinear"):
        grey = resize.resized_before(stripes, (16, 32), kernel)[:, 4:-4].astype(int)
        assert np.abs(grey - 100).max() <= 6
        np.testing.assert_array_equal(resize.resized_before(stripes, (32, 64), kernel), stripes)
    assert resize.resized_before(stripes, (16, 32), "none") is stripes


def test_resizing_before_refuses_other_kernels_and_sizes() -> None:
    with pytest.raises(UserError, match=r"Unknown kernel 'bicubik'\. Did you mean 'bicubic'"):
        resize.resized_before(picture(8, 8), (4, 4), "bicubik")
    with pytest.raises(UserError, match="a size of 0x4"):
        resize.resized_before(picture(8, 8), (0, 4), "bicubic")


def test_an_unknown_way_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown resize mode 'legacy'. Did you mean 'legacy_pytorch'\?|clean"):
        resize.resize_mode("legacy")
