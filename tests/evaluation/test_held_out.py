"""A segmenter is measured on photographs that it has not seen."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.evaluation.held_out import held_out
from sdm_bench.training.segmenters import resolve
from tests.datasets import trees


def test_what_it_was_trained_on_is_not_held_out(tmp_path: Path) -> None:
    root = trees.folder(tmp_path / "data", split=None)
    TrainingRun(tmp_path / "run").start(resolve("unet", "folder", root, "toy"), "")
    with pytest.raises(UserError, match="data: one split, which it was trained on"):
        held_out(tmp_path / "run")
