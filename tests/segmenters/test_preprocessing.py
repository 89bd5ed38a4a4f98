"""What segmenters are fed, in closed form."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sdm_bench.base.tensors import to_unit_range
from segmenters.architectures import ARCHITECTURES
from segmenters.preprocessing import PREPROCESSING, Fixed, Preprocessing, ShortSides, Size, as_it_is, enlarged

# Two red pictures: 1, 0 and 0.2 of white.
RED = np.broadcast_to(np.array([255, 0, 51], np.uint8), (4, 6, 3))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("face_parsing", (1.0, -1.0, -0.6)),
        ("drn", ((1 - 0.290101) / 0.182954, -0.328081 / 0.186566, (0.2 - 0.286964) / 0.184475)),
        ("csail", ((1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225)),
        ("deeplab", (51 - 104.008, -116.669, 255 - 122.675)),
    ],
)
def test_a_red_picture_in_the_units_of_every_network(name: str, expected: tuple[float, float, float]) -> None:
    about = replace(PREPROCESSING[name], sizes=as_it_is)
    (picture,) = about.passes(RED)
    fed = about.normalised(picture[None])
    assert fed.shape == (1, 3, 4, 6)
    torch.testing.assert_close(fed[0, :, 2, 3], torch.tensor(expected), rtol=1e-6, atol=1e-5)


def test_prediction_feeds_what_training_feeds_where_nothing_is_resized() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    assert torch.equal(Preprocessing().passes(picture)[0], to_unit_range(picture))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((256, 256), [(320, 320), (384, 384), (480, 480), (544, 544), (608, 608)]),
        # 1000 / 1024 of the picture at most: 390 x 1000 pixels
        ((400, 1024), [(320, 768), (384, 960), (416, 1024), (416, 1024), (416, 1024)]),
    ],
)
def test_short_sides_are_rounded_up_to_multiples_of_32(size: Size, expected: list[Size]) -> None:
    assert list(PREPROCESSING["csail"].sizes(size)) == expected


def test_kernels_are_pillows() -> None:
    """A step from black to white at the middle of four columns, seen at two: nearest takes a column from each half."""
    step = np.zeros((4, 4, 3), np.uint8)
    step[:, 2:] = 255
    nearest = replace(PREPROCESSING["face_parsing"], sizes=Fixed((2, 2))).passes(step)[0]
    assert nearest[0].tolist() == [[-1, 1], [-1, 1]]
    bilinear = Preprocessing(sizes=ShortSides((2,), longest=9, multiple=1)).passes(step)[0]
    assert bilinear.shape == (3, 2, 2)
    # Pillow's triangle is as wide as the picture shrinks: weights 3, 3, 1 of columns 0, 1, 2
    torch.testing.assert_close(bilinear[0, 0] / 2 + 0.5, torch.tensor([1 / 7, 6 / 7]), rtol=0, atol=1 / 255)


def test_a_picture_is_enlarged_with_or_without_its_corners() -> None:
    """A ramp of two columns at five: with aligned corners equal steps, without them flat at the ends."""
    ramp = np.zeros((2, 2, 3), np.uint8)
    ramp[:, 1] = 200
    aligned = enlarged(ramp, (2, 5), "bilinear-corners")
    assert isinstance(aligned, torch.Tensor)
    torch.testing.assert_close((aligned[0, 0] + 1) * 127.5, torch.tensor([0.0, 50.0, 100.0, 150.0, 200.0]))
    plain = enlarged(ramp, (2, 5), "bilinear")
    assert plain[0, :, 0].tolist() == [0, 20, 100, 180, 200]
    assert enlarged(ramp, (2, 4), "bilinear-opencv")[0, :, 0].tolist() == [0, 50, 150, 200]
    assert enlarged(ramp, (2, 4), "nearest")[0, :, 0].tolist() == [0, 0, 200, 200]


def test_architectures_name_what_there_is() -> None:
    named = {each.preprocessing for each in ARCHITECTURES.values() if each.preprocessing is not None}
    assert named == set(PREPROCESSING)


def test_the_csail_program_s_own_sizes() -> None:
    assert PREPROCESSING["csail"].sizes == ShortSides((300, 375, 450, 525, 600), longest=1000, multiple=32)
