"""A study of made-up runs, and what a participant with a known preference answers in it."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reports.study.build import StudyOptions, build_study
from reports.study.key import Key, read_key
from tests.evaluation.measured import make_run, noisy, real_at
from tests.reports.gallery.made import brightened

GAN: dict[str, Any] = {"stochastic": False, "solver": None, "solver_steps": None, "guidance": None}
PAIRS = (("sdm", "spade"), ("sdm", "oasis"))


def made_runs(folder: Path, root: Path) -> list[Path]:
    """SDM, SPADE and OASIS on the five toy scenes."""
    real, common = real_at(root), {"data": str(root)}
    return [
        make_run(folder / "sdm-run", real, [0, 1], brightened(5), **common),
        make_run(folder / "spade-run", real, [0], noisy, method="spade", **GAN, **common),
        make_run(folder / "oasis-run", real, [0], brightened(60), method="oasis", **GAN, **common),
    ]


def built(runs: list[Path], out: Path, **options: Any) -> Path:
    """The folder of a study of two label maps of each pair, with three obvious pairs and two repeated ones."""
    asked = {"pairs": PAIRS, "per_pair": 2, "obvious": 3, "repeats": 2, "seed": 5, **options}
    build_study(runs, StudyOptions(**asked), out, "sdm-bench study build")
    return out


def block(study: Path, name: str, page: str = "study.html") -> Any:
    """What a block of JSON in a page holds."""
    text = (study / page).read_text()
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def files(study: Path, page: str = "study.html") -> dict[str, bytes]:
    """The pictures of a page by id."""
    return {name: base64.b64decode(text) for name, text in block(study, "pictures", page).items()}


def pixels(file: bytes) -> np.ndarray:
    """What a picture's file shows."""
    return np.asarray(Image.open(io.BytesIO(file)))


def key_of(study: Path) -> Key:
    """The study's key."""
    return read_key(study / "key.json")
