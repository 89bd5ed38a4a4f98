"""Pictures of every usual kind become the same 8-bit RGB, upright; what can't be without a guess is refused."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.decoding import read_header
from sdm_bench.datasets.pictures import picture_size, read_image

HEIGHT, WIDTH = 4, 6


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def deep(path: Path, values: np.ndarray) -> Path:
    """Writes uint16 (H, W) or RGB or RGBA (H, W, C) as PNG or TIFF."""
    assert cv2.imwrite(str(path), values if values.ndim == 2 else np.roll(values[..., ::-1], -(values.shape[2] % 3), 2))
    return path


def raw_png(path: Path, bits: int, rows: list[bytes], behind: bytes = b"") -> Path:
    """Writes grey rows of 4 pixels with `bits` each, as they are packed; `behind` stands behind the pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, len(rows), bits, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    exif = chunk(b"eXIf", behind) if behind else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + exif + chunk(b"IEND", b""))
    return path


def raw_tiff(path: Path, values: np.ndarray, orientation: int) -> Path:
    """Writes uint16 (H, W, 3) as a TIFF without compression."""
    height, width, _ = values.shape
    data, depths = values.astype("<u2").tobytes(), struct.pack("<HHH", 16, 16, 16)
    behind = 8 + 2 + 12 * 11 + 4
    fields = [
        *((256, width), (257, height), (258, behind), (259, 1), (262, 2), (273, behind + len(depths))),
        *((274, orientation), (277, 3), (278, height), (279, len(data)), (284, 1)),
    ]
    entries = b"".join(
        struct.pack("<HHII", tag, 3 if tag == 258 else 4, 3 if tag == 258 else 1, v) for tag, v in fields
    )
    path.write_bytes(b"II" + struct.pack("<HIH", 42, 8, len(fields)) + entries + bytes(4) + depths + data)
    return path


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".TIFF", ".bmp"])
def test_formats_without_loss_give_the_same_pixels(suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    np.testing.assert_array_equal(read_image(path), pixels)
    assert picture_size(path) == (HEIGHT, WIDTH)
    assert read_header(path).remarks == (("WebP",) if suffix == ".webp" else ())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_16_bits_are_scaled_by_value(suffix: str, channels: int, pixels: np.ndarray, tmp_path: Path) -> None:
    eight = {0: pixels[..., 0], 3: pixels, 4: np.dstack([pixels, np.full((HEIGHT, WIDTH), 255, np.uint8)])}[channels]
    path = deep(tmp_path / f"a{suffix}", eight.astype(np.uint16) * 257)
    expected = np.stack([eight] * 3, 2) if channels == 0 else pixels
    np.testing.assert_array_equal(read_image(path), expected)
    assert "16 bits scaled to 8" in read_header(path).remarks


def test_16_bits_go_to_the_nearest_level(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 385, 386, 65406, 65407, 65535]], np.uint16)
    expected = np.rint(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(read_image(deep(tmp_path / "a.png", values))[..., 0], expected)
    np.testing.assert_array_equal(read_image(deep(tmp_path / "b.png", np.stack([values] * 3, 2)))[..., 1], expected)


def test_white_is_zero_is_turned_round_at_16_bits(tmp_path: Path) -> None:
    values = np.array([[0, 257 * 10, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0, :, 0], [255, 245, 0])


@pytest.mark.parametrize(
    ("bits", "row", "expected"),
    [
        (1, bytes([0b10100000]), [255, 0, 255, 0]),
        (2, bytes([0b00011011]), [0, 85, 170, 255]),
        (4, bytes([0x07, 0xF3]), [0, 119, 255, 51]),
    ],
)
def test_few_bits_cover_black_to_white(bits: int, row: bytes, expected: list[int], tmp_path: Path) -> None:
    found = read_image(raw_png(tmp_path / "a.png", bits, [row, row]))
    np.testing.assert_array_equal(found, np.stack([[expected] * 2] * 3, 2))


def test_palettes_are_applied_and_cmyk_is_converted(pixels: np.ndarray, tmp_path: Path) -> None:
    palette = Image.fromarray(pixels).quantize(8)
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), np.asarray(palette.convert("RGB")))
    cmyk = Image.fromarray(pixels).convert("CMYK")
    cmyk.save(tmp_path / "c.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "c.tif"), pixels)
    assert read_header(tmp_path / "c.tif").remarks == ("CMYK converted to RGB",)


def test_alpha_that_hides_nothing_is_dropped_and_transparency_is_refused(pixels: np.ndarray, tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)
    assert read_header(tmp_path / "a.png").remarks == ("opaque alpha dropped",)
    alpha[0, :2] = 254
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "b.png")
    deep(tmp_path / "c.png", np.dstack([pixels, alpha]).astype(np.uint16) * 257)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "d.png", transparency=int(pixels[0, 0, 0]))
    for name, count in (("b", 2), ("c", 2), ("d", int((pixels[..., 0] == pixels[0, 0, 0]).sum()))):
        with pytest.raises(UserError, match=rf"{name}\.png: {count} transparent pixels; expected none"):
            read_image(tmp_path / f"{name}.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    stored, path = Image.fromarray(pixels), tmp_path / f"a{suffix}"
    stored.save(path, exif=exif, **({"quality": 100, "subsampling": 0} if suffix == ".jpg" else {"lossless": True}))
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    np.testing.assert_array_equal(read_image(path), np.asarray(upright.convert("RGB")))
    assert picture_size(path) == read_image(path).shape[:2] == (upright.height, upright.width)
    assert ("turned as EXIF says" in read_header(path).remarks) is (orientation != 1)


def test_orientation_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    rows = [bytes([0, 64, 128, 255]), bytes([1, 2, 3, 4])]
    path = raw_png(tmp_path / "a.png", 8, rows, exif.tobytes().removeprefix(b"Exif\0\0"))
    assert picture_size(path) == (4, 2)
    np.testing.assert_array_equal(read_image(path)[..., 0], [[1, 0], [2, 64], [3, 128], [4, 255]])


def test_deep_colour_is_turned_too(pixels: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 3
    path = deep(tmp_path / "a.png", pixels.astype(np.uint16) * 257)
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    data = path.read_bytes()
    added = struct.pack(">I", len(chunk)) + b"eXIf" + chunk + struct.pack(">I", zlib.crc32(b"eXIf" + chunk))
    path.write_bytes(data[:33] + added + data[33:])
    np.testing.assert_array_equal(read_image(path), pixels[::-1, ::-1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_colour_of_a_tiff_is_turned_once(orientation: int, pixels: np.ndarray, tmp_path: Path) -> None:
    path = raw_tiff(tmp_path / "a.tif", pixels.astype(np.uint16) * 257, orientation)
    with Image.open(path) as image:
        image.load()
    np.testing.assert_array_equal(read_image(path), np.asarray(image))
    assert picture_size(path) == (image.height, image.width)


def test_jpeg_says_so_also_inside_a_tiff(pixels: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png", format="JPEG")
    Image.fromarray(pixels).save(tmp_path / "b.tif", compression="jpeg")
    for name in ("a.png", "b.tif"):
        assert read_header(tmp_path / name).remarks == ("JPEG",)


def test_what_has_no_known_white_or_several_frames_is_refused(pixels: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), 0.5, np.float32)).save(tmp_path / "f.tif")
    Image.fromarray(np.full((2, 2), 7, np.int32)).save(tmp_path / "i.tif")
    frames = [Image.fromarray(pixels), Image.fromarray(255 - pixels)]
    for name in ("s.tif", "s.webp", "s.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    for name, message in (
        ("f.tif", "floating point, whose white"),
        ("i.tif", "32-bit integers, whose white"),
        ("s.tif", "2 pictures in one file"),
        ("s.webp", "2 pictures in one file"),
        ("s.png", "2 pictures in one file"),
    ):
        with pytest.raises(UserError, match=rf"{name}: .*{message}"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("keep", [0.5, 0.95])
def test_16_bit_colour_that_is_cut_short_is_refused(suffix: str, keep: float, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (40, 60, 3), dtype=np.uint16)
    path = deep(tmp_path / f"a{suffix}", values)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(UserError, match=rf"a\{suffix}: "):
        read_image(path)
