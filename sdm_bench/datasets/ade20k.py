"""ADE20K SceneParse150: ADEChallengeData2016 (CSAILVision/sceneparsing)."""

from typing import ClassVar

import numpy as np

from sdm_bench.datasets.base import IMAGE_SUFFIXES, MAP_SUFFIXES, Record, SemanticDataset, by_stem

UNKNOWN = 150


class ADE20K(SemanticDataset):
    """151 classes: file ids 1..150 become 0..149, the file's 0 (unknown) becomes 150. No instance maps."""

    name = "ade20k"
    native_size = (256, 256)
    has_instances = False
    folders: ClassVar = {"train": "training", "val": "validation"}

    @staticmethod
    def layout() -> str:
        return "[ADEChallengeData2016/]annotations/{training,validation}/*.png and images/{training,validation}/*.jpg"

    def find(self) -> list[Record]:
        inner = self.root / "ADEChallengeData2016"
        base = inner if inner.is_dir() else self.root
        labels = by_stem(base / "annotations" / self.folders[self.split], MAP_SUFFIXES)
        images = by_stem(base / "images" / self.folders[self.split], IMAGE_SUFFIXES)
        return [Record(name, images.get(name), path, None) for name, path in labels.items()]

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        return np.where(raw == 0, UNKNOWN, np.where(raw <= UNKNOWN, raw - 1, -1)).astype(np.int64)

    def expected_ids(self) -> str:
        return "0 (unknown) and 1..150"
