"""Features on several processes whose caches differ, and features that are no numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sdm_bench.base.finite import NotFinite
from sdm_bench.metrics.features import Extractor, extract
from sdm_bench.metrics.images import ImageSource
from tests.several import together

PROGRAM = """
import sys
from pathlib import Path
from sdm_bench.base.processes import rank_and_count, start_processes
from sdm_bench.metrics.features import extract
from tests.metrics.test_shared_features import extractor, pictures
start_processes("cpu")
print(extract(pictures(), extractor(), Path(sys.argv[1]) / str(rank_and_count()[0])).tolist())
"""


class AsTensor:
    """In place of a resizing."""

    name = "none"

    def __call__(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image.astype(np.float32))


def pictures(wrong: int | None = None) -> ImageSource:
    """Three pictures, one of which makes no numbers."""

    def read(index: int) -> np.ndarray:
        return np.full((1, 1, 2), np.nan if index == wrong else index, np.float32)

    return ImageSource("drawn", ("a", "b", "c"), read, "manifest")


def extractor() -> Extractor:
    resize: Any = AsTensor()
    return Extractor("flat", "0", resize, nn.Flatten(), torch.device("cpu"))


@pytest.mark.parametrize("having", ["0", "1"])
def test_a_cache_of_one_process_alone_keeps_nobody_waiting(having: str, tmp_path: Path) -> None:
    expected = extract(pictures(), extractor(), tmp_path / having).tolist()
    assert expected == [[0, 0], [1, 1], [2, 2]]
    for each in together(PROGRAM, str(tmp_path)):
        assert (each.code, each.out) == (0, f"{expected}\n"), each.err
    assert len(list((tmp_path / "0").iterdir())) == 1


def test_features_of_nan_are_named_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(NotFinite, match=r"NaN or Inf in the features of drawn: b$"):
        extract(pictures(wrong=1), extractor(), tmp_path)
    assert not list(tmp_path.iterdir())
