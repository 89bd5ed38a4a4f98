"""The gallery's pictures."""

import base64
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.gallery.pictures import Pictures, distance, encoded, packed_map, small_size


def pixels_of(webp: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(webp)).convert("RGB"))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "small"), [((32, 64), (32, 64)), ((256, 512), (64, 128)), ((300, 100), (128, 43)), ((2000, 2), (128, 1))]
)
def test_small_pictures_keep_the_shape_and_are_never_larger(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_size(*size) == small


def test_a_picture_that_fits_is_kept_to_the_pixel_and_once() -> None:
    picture = encoded(noise(32, 64))
    assert picture.whole is None
    assert np.array_equal(pixels_of(picture.small), noise(32, 64))


def test_a_larger_picture_has_a_small_one_beside_all_its_pixels() -> None:
    picture = encoded(noise(256, 512))
    assert picture.whole is not None
    assert np.array_equal(pixels_of(picture.whole), noise(256, 512))
    assert pixels_of(picture.small).shape == (64, 128, 3)


def test_a_label_map_is_made_smaller_without_new_colours() -> None:
    colors = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    label = colors[np.random.default_rng(0).integers(0, 3, (200, 300))]
    small = pixels_of(encoded(label, exact=True).small)
    assert {tuple(each) for each in small.reshape(-1, 3)} == {tuple(each) for each in colors}


@pytest.mark.parametrize(("classes", "kind"), [(35, "u1"), (300, "<u2")])
def test_a_map_of_classes_is_read_back(classes: int, kind: str) -> None:
    label = np.random.default_rng(0).integers(0, classes, (16, 20))
    found = np.frombuffer(zlib.decompress(base64.b64decode(packed_map(label, classes))), kind)
    assert np.array_equal(found.reshape(16, 20), label)


def test_the_distance_is_the_mean_difference_of_values() -> None:
    black, grey = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)
    grey[0, 0] = 180
    assert distance(grey, black) == distance(black, grey) == 30.0


def test_pictures_stand_beside_the_page_once_they_are_too_many_for_it(tmp_path: Path) -> None:
    picture = encoded(noise(16, 16))
    room = 2 * len(base64.b64encode(picture.small))
    found = Pictures(tmp_path, 3, limit=room)
    for row in range(2):
        found.add(row, {"0-0": picture}, ["0-0"])
    assert found.inline is not None
    assert found.written == 0
    found.add(2, {}, ["0-0"])
    assert found.inline == {"0-0": [*[base64.b64encode(picture.small).decode()] * 2, ""]}
    found.add(3, {"0-0": picture}, ["0-0"])
    assert found.inline is None
    assert sorted(path.name for path in (tmp_path / "0-0").iterdir()) == ["00000.webp", "00001.webp", "00003.webp"]
    assert found.missing == {"0-0": [2]}
    assert found.written == 3


def test_the_digest_is_that_of_all_small_pictures_in_their_order(tmp_path: Path) -> None:
    one, other = encoded(noise(4, 4)), encoded(noise(4, 8))
    digests = set()
    for order in ([one, other], [other, one], [one, one]):
        found = Pictures(tmp_path, 2)
        for row, picture in enumerate(order):
            found.add(row, {"label": picture}, ["label"])
        digests.add(found.digest)
    assert len(digests) == 3
