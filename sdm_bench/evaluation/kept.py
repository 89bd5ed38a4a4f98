"""Predictions kept as PNGs, each with a digest, so that one that was changed or put there by others is noticed."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import atomic_path
from sdm_bench.base.progress import say
from sdm_bench.datasets.pictures import open_picture

# The text chunk that holds the digest.
DIGEST = "sdm-bench sha256"


def write_kept(path: Path, prediction: np.ndarray) -> None:
    """Keeps uint8 (H, W) classes at `path`, `<digest of what decides them>/<example id>.png`."""
    about = PngInfo()
    about.add_text(DIGEST, _digest(path, prediction))
    with atomic_path(path) as temporary:
        Image.fromarray(prediction).save(temporary, format="PNG", pnginfo=about)


def read_kept(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The classes kept at `path`; None where there are none and, with a line, where they are not what was kept."""
    if not path.is_file():
        return None
    try:
        picture = open_picture(path)
        prediction = np.asarray(picture)
        if prediction.shape != shape or picture.info.get(DIGEST) != _digest(path, prediction):
            raise UserError(f"{path}: not the prediction that was kept")
    except UserError as error:
        say(f"{error.message}; segmenting the picture again")
        return None
    return prediction


def _digest(path: Path, prediction: np.ndarray) -> str:
    """SHA-256 over what the prediction is of, its shape and its classes."""
    about = f"{path.parent.name}/{path.name} {prediction.shape} {prediction.dtype}\n"
    return hashlib.sha256(about.encode() + np.ascontiguousarray(prediction).tobytes()).hexdigest()
