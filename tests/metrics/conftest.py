"""Pictures that features are computed of."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def pixels(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven pictures of several sizes and types, whose names sort otherwise than they were written."""
    root = tmp_path / "pictures"
    root.mkdir()
    for index in (3, 1, 6, 0, 2, 5, 4):
        suffix = (".png", ".jpg", ".WEBP")[index % 3]
        Image.fromarray(pixels(index, 24 + index, 320)).save(root / f"picture{index}{suffix}")
    return root
