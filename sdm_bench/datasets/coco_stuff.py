"""COCO-Stuff 164k: COCO photographs and stuffthingmaps PNGs, with or without instance maps (nightrome/cocostuff)."""

from pathlib import Path

import numpy as np

from sdm_bench.datasets.base import SemanticDataset, Sources
from sdm_bench.datasets.encodings import TRAIN_IDS_ENDING
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern

UNLABELED = 182


class COCOStuff(SemanticDataset):
    """183 classes: ids 0..181 as stored, 255 (unlabeled) becomes 182. Knows COCO's and SPADE's folder names."""

    name = "coco_stuff"
    native_size = (256, 256)
    other_files = (
        f"*{TRAIN_IDS_ENDING}.png",
        "these hold MMSegmentation's 171 ids; stuffthingmaps_trainval2017.zip has the official ones",
    )
    image_folders = ("{0}_img", "images/{0}2017", "{0}2017")
    label_folders = (
        "{0}_label",
        "stuffthingmaps/{0}2017",
        "stuffthingmaps_trainval2017/{0}2017",
        "annotations/{0}2017",
    )
    instance_folders = ("{0}_inst", "instances/{0}2017")

    @staticmethod
    def layout() -> str:
        return (
            "{train,val}_{img,label,inst} (SPADE's names) or images/<split>2017 and stuffthingmaps/<split>2017 (COCO's)"
        )

    def sources(self) -> Sources:
        return Sources(
            label=FilePattern(self._first(self.label_folders), MAP_SUFFIXES, without=TRAIN_IDS_ENDING),
            image=FilePattern(self._first(self.image_folders), IMAGE_SUFFIXES),
            instance=FilePattern(self._first(self.instance_folders), MAP_SUFFIXES),
        )

    def _first(self, templates: tuple[str, ...]) -> Path:
        folders = [self.root / template.format(self.split) for template in templates]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    @staticmethod
    def label_ids(raw: np.ndarray) -> np.ndarray:
        return np.where(raw == 255, UNLABELED, np.where(raw < UNLABELED, raw, -1)).astype(np.int64)

    @property
    def file_values(self) -> tuple[int, ...]:
        return *range(UNLABELED), 255

    def expected_ids(self) -> str:
        return "0..181, or 255 for unlabeled"
