"""ADE20K SceneParse150: ADEChallengeData2016 (CSAILVision/sceneparsing)."""

from typing import ClassVar

import numpy as np

from sdm_bench.datasets.base import SemanticDataset, Sources
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern

UNKNOWN = 150


class ADE20K(SemanticDataset):
    """151 classes: file ids 1..150 become 0..149, the file's 0 (unknown) becomes 150. No instance maps."""

    name = "ade20k"
    native_size = (256, 256)
    has_instances = False
    other_files = ("*_seg.png", "these are of the full ADE20K; SceneParse150 comes in ADEChallengeData2016.zip")
    folders: ClassVar = {"train": "training", "val": "validation"}

    @staticmethod
    def layout() -> str:
        return "[ADEChallengeData2016/]annotations/{training,validation}/*.png and images/{training,validation}/*.jpg"

    def sources(self) -> Sources:
        inner = self.root / "ADEChallengeData2016"
        base = inner if inner.is_dir() else self.root
        return Sources(
            label=FilePattern(base / "annotations" / self.folders[self.split], MAP_SUFFIXES),
            image=FilePattern(base / "images" / self.folders[self.split], IMAGE_SUFFIXES),
        )

    @staticmethod
    def label_ids(raw: np.ndarray) -> np.ndarray:
        return np.where(raw == 0, UNKNOWN, np.where(raw <= UNKNOWN, raw - 1, -1)).astype(np.int64)

    @property
    def file_values(self) -> tuple[int, ...]:
        return *range(1, UNKNOWN + 1), 0

    def expected_ids(self) -> str:
        return "0 (unknown) and 1..150"
