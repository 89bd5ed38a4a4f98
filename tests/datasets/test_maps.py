"""Label maps are read by value: few bits, palettes, sixteen bits and colours, each as the file stores it."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.datasets.maps import NotAMap, is_colour, read_map, read_panoptic, read_values
from tests.datasets import trees


def put_grey(path: Path, values: list[list[int]], depth: int) -> Path:
    """Writes grey of `depth` bits as other programs do; Pillow itself writes no two and four bits."""
    width = len(values[0])
    rows = [sum(value << depth * (width - 1 - k) for k, value in enumerate(row)) for row in values]
    spare = -width * depth % 8
    packed = b"".join(b"\0" + (row << spare).to_bytes((width * depth + spare) // 8, "big") for row in rows)
    header = struct.pack(">IIBBBBB", width, len(values), depth, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b""))
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_of_few_bits_keeps_its_values(tmp_path: Path, depth: int) -> None:
    values = [[0, 1, 2**depth - 1], [2**depth - 1, 0, 2**depth // 2]]
    assert read_map(put_grey(tmp_path / "map.png", values, depth)).tolist() == values


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_few_bits_keeps_its_indices(tmp_path: Path, bits: int) -> None:
    values = np.array([[0, 1], [2**bits - 1, 0]], np.uint8)
    picture = Image.frombytes("P", (2, 2), values.tobytes())
    picture.putpalette([(91 * k + 7) % 256 for k in range(768)])
    picture.save(tmp_path / "map.png", bits=bits)
    assert read_map(tmp_path / "map.png").tolist() == values.tolist()


def test_an_opaque_alpha_channel_is_left_out_and_a_transparent_one_refused(tmp_path: Path) -> None:
    pixels = np.full((2, 3, 2), 255, np.uint8)
    pixels[..., 0] = 7
    Image.fromarray(pixels).save(tmp_path / "map.png")
    assert read_map(tmp_path / "map.png").tolist() == [[7] * 3] * 2
    pixels[0, 0, 1] = 254
    Image.fromarray(pixels).save(tmp_path / "map.png")
    with pytest.raises(NotAMap, match=r"map\.png: 1 transparent pixels; expected a map without transparency"):
        read_map(tmp_path / "map.png")


def test_colours_are_read_where_they_may_be(tmp_path: Path) -> None:
    pixels = np.array([[[1, 2, 3], [200, 0, 9]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "map.png")
    np.testing.assert_array_equal(read_values(tmp_path / "map.png"), pixels)
    assert read_panoptic(tmp_path / "map.png").tolist() == [[1 + 2 * 256 + 3 * 65536, 200 + 9 * 65536]]
    assert is_colour(tmp_path / "map.png")
    assert not is_colour(trees.put_palette(tmp_path / "palette.png", [[1]]))


def test_equal_channels_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2, 3), 5, np.uint8)).save(tmp_path / "map.png")
    with pytest.raises(NotAMap, match="found colours; its channels are equal, they all hold the ids"):
        read_map(tmp_path / "map.png")


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_map_that_exif_turns_is_refused(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x112] = turn
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "map.png", exif=exif)
    if turn == 1:
        assert read_map(tmp_path / "map.png").tolist() == [[0, 1, 2], [3, 4, 5]]
    else:
        with pytest.raises(NotAMap, match=rf"map\.png: its EXIF asks for a turn \({turn}\)"):
            read_map(tmp_path / "map.png")


def test_several_maps_in_one_file_are_refused(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.full((2, 2), value, np.uint8)) for value in (1, 2))
    first.save(tmp_path / "map.png", save_all=True, append_images=[second])
    with pytest.raises(NotAMap, match=r"map\.png: 2 pictures in one file; expected one"):
        read_map(tmp_path / "map.png")


def test_a_jpeg_under_another_name_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "map.png", format="JPEG")
    with pytest.raises(NotAMap, match=r"map\.png: a picture, but no PNG: other formats don't keep ids"):
        read_map(tmp_path / "map.png")
