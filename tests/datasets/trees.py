"""Small pictures and dataset trees for the tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.datasets.celebamask_hq_release import MASKS
from tests.parity.cases import SHARED

DATA = SHARED / "data"


def real(name: str) -> Path:
    """The folder of real examples called `name`; skips the test where it is absent."""
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not there")
    return DATA / name


def put_map(path: Path, values: object, dtype: type = np.uint8) -> Path:
    """Writes an (H, W) list or array as a PNG of one channel, 8 or 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, dtype)).save(path)
    return path


def put_palette(path: Path, values: object) -> Path:
    """Writes an (H, W) list as a palette PNG whose colours are far from its ids."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.array(values, np.uint8)).convert("P")
    picture.frombytes(np.array(values, np.uint8).tobytes())
    picture.putpalette([(37 * k + 101) % 256 for k in range(768)])
    picture.save(path)
    return path


def put_photo(path: Path, height: int, width: int, mode: str = "RGB") -> Path:
    """Writes a picture of `height` x `width` pixels in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def truncate(path: Path, keep: float = 0.6) -> Path:
    """Cuts the end off a file."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


def cityscapes(root: Path, names: tuple[str, ...] = ("a_0", "b_1"), split: str = "train") -> Path:
    """A Cityscapes tree: a frame a name, 4x8, road above one car, city folder from the name's first letter."""
    for name in names:
        truth, city = root / "gtFine" / split / name[0], root / "leftImg8bit" / split / name[0]
        put_map(truth / f"{name}_gtFine_labelIds.png", [[7] * 8] * 2 + [[26] * 8] * 2)
        put_map(truth / f"{name}_gtFine_instanceIds.png", [[7] * 8] * 2 + [[26001] * 8] * 2, np.uint16)
        put_photo(city / f"{name}_leftImg8bit.png", 4, 8)
    return root


def folder(root: Path, names: tuple[str, ...] = ("a", "b"), split: str | None = "train") -> Path:
    """A folder dataset of two classes: 4x6 pictures with both of them, no instances."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.yaml").write_text("- {name: sky, color: [0, 0, 255]}\n- {name: road, color: [128, 64, 128]}\n")
    base = root / split if split else root
    for name in names:
        put_map(base / "labels" / f"{name}.png", [[0] * 6] * 2 + [[1] * 6] * 2)
        put_photo(base / "images" / f"{name}.jpg", 4, 6)
    return root


def put_part(release: Path, face: int, name: str, rows: slice, value: int = 255) -> Path:
    """Writes a part mask of one face that covers some rows."""
    mask = np.zeros((512, 512), np.uint8)
    mask[rows] = value
    return put_map(release / MASKS / str(face // 2000) / f"{face:05d}_{name}.png", mask)
