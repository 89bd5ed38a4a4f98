"""Pictures from tensors and arrays."""

import numpy as np

from sdm_bench.base.drawing import colorize, grid, to_uint8


def test_values_are_rounded_to_the_nearest_of_256() -> None:
    values = np.array([-1.5, -1, -1 + 0.9 / 255, -1 + 1.1 / 255, 0.0, 1, 2], np.float32)
    pictures = np.broadcast_to(values[:, None, None, None], (7, 3, 2, 2))
    assert to_uint8(pictures)[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 128, 255, 255]
    assert to_uint8(pictures).shape == (7, 2, 2, 3)


def test_eight_bits_survive_the_way_to_the_network_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    as_network = every.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    assert np.array_equal(to_uint8(as_network), every)


def test_a_grid_places_each_picture() -> None:
    pictures = [[np.full((2, 3, 3), 10 * row + column, np.uint8) for column in range(2)] for row in range(3)]
    drawn = grid(pictures, scale=2)
    assert drawn.shape == (3 * 4 + 2 * 2, 2 * 6 + 2, 3)
    assert drawn[0, 0, 0] == 0
    assert drawn[-1, -1, 0] == 21
    assert drawn[4, 0, 0] == 255
    assert grid(pictures, ["a", "b"]).shape[0] == 3 * 2 + 2 * 2 + 16


def test_a_title_wider_than_its_column_is_broken_into_lines() -> None:
    pictures = [[np.zeros((4, 110, 3), np.uint8)] * 2]
    one, two = (grid(pictures, [title, "b"]) for title in ("a", "concatenated label map"))
    assert two.shape[0] == one.shape[0] + 16
    assert (two[:16, 112:] == one[:16, 112:]).all()


def test_labels_take_their_class_colour() -> None:
    colors = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert colorize(np.array([[1, 0]]), colors).tolist() == [[[4, 5, 6], [1, 2, 3]]]
