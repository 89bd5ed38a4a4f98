"""Cityscapes: leftImg8bit photographs, gtFine labelIds and 16-bit instanceIds (www.cityscapes-dataset.com)."""

import numpy as np

from sdm_bench.datasets.base import SemanticDataset, Sources
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern

LICENSE_PLATE = 34


class Cityscapes(SemanticDataset):
    """35 classes: labelIds 0..33 and the license plate (-1, which 8-bit files hold as 255)."""

    name = "cityscapes"
    splits = ("train", "val", "test")
    native_size = (256, 512)
    keeps_aspect = True
    other_files = (
        "*_gtFine_labelTrainIds.png",
        "these hold trainIds; the official archive gtFine_trainvaltest.zip has *_gtFine_labelIds.png",
    )

    @staticmethod
    def layout() -> str:
        return (
            "gtFine/<split>/<city>/*_gtFine_{labelIds,instanceIds}.png and leftImg8bit/<split>/<city>/*_leftImg8bit.png"
        )

    def sources(self) -> Sources:
        truth = self.root / "gtFine" / self.split
        return Sources(
            label=FilePattern(truth, MAP_SUFFIXES, "_gtFine_labelIds"),
            image=FilePattern(self.root / "leftImg8bit" / self.split, IMAGE_SUFFIXES, "_leftImg8bit"),
            instance=FilePattern(truth, MAP_SUFFIXES, "_gtFine_instanceIds"),
        )

    @staticmethod
    def label_ids(raw: np.ndarray) -> np.ndarray:
        known = (raw >= 0) & (raw < LICENSE_PLATE)
        return np.where(known, raw, np.where(raw == 255, LICENSE_PLATE, -1)).astype(np.int64)

    @property
    def file_values(self) -> tuple[int, ...]:
        return *range(LICENSE_PLATE), 255

    def expected_ids(self) -> str:
        return "0..33, or 255 for the license plate"

    def contradictions(self, label: np.ndarray, instance: np.ndarray) -> list[str]:
        """Instance ids are class * 1000 + index; below 1000 they are classes of regions without instances."""
        found = []
        wrong = (instance >= 1000) & (instance // 1000 != label)
        if wrong.any():
            pair = f"instance {instance[wrong][0]} on label {label[wrong][0]}"
            found.append(f"instance ids // 1000 disagree with the label map at {wrong.sum()} pixels, the first {pair}")
        impossible = (instance >= LICENSE_PLATE) & (instance < 1000)
        if impossible.any():
            found.append(
                f"{impossible.sum()} pixels have instance ids in 34..999, the first {instance[impossible][0]}; "
                "expected 0..33 or class * 1000 + index in 16 bits (a copy in 8 bits loses the instances)"
            )
        return found
