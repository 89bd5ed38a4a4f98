"""Cityscapes: leftImg8bit photographs, gtFine labelIds and 16-bit instanceIds (www.cityscapes-dataset.com)."""

import numpy as np

from sdm_bench.datasets.base import IMAGE_SUFFIXES, MAP_SUFFIXES, Record, SemanticDataset, by_stem

LICENSE_PLATE = 34


class Cityscapes(SemanticDataset):
    """35 classes: labelIds 0..33 and the license plate (-1, which 8-bit files hold as 255)."""

    name = "cityscapes"
    splits = ("train", "val", "test")
    native_size = (256, 512)
    keeps_aspect = True

    @staticmethod
    def layout() -> str:
        return (
            "gtFine/<split>/<city>/*_gtFine_{labelIds,instanceIds}.png and leftImg8bit/<split>/<city>/*_leftImg8bit.png"
        )

    def find(self) -> list[Record]:
        truth = self.root / "gtFine" / self.split
        labels = by_stem(truth, MAP_SUFFIXES, "_gtFine_labelIds")
        instances = by_stem(truth, MAP_SUFFIXES, "_gtFine_instanceIds")
        images = by_stem(self.root / "leftImg8bit" / self.split, IMAGE_SUFFIXES, "_leftImg8bit")
        return [Record(name, images.get(name), path, instances.get(name)) for name, path in labels.items()]

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        known = (raw >= 0) & (raw < LICENSE_PLATE)
        return np.where(known, raw, np.where(raw == 255, LICENSE_PLATE, -1)).astype(np.int64)

    def expected_ids(self) -> str:
        return "0..33, or 255 for the license plate"
