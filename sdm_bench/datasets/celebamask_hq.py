"""CelebAMask-HQ in the prepared form: {train,val,test}/{images,labels} (switchablenorms/CelebAMask-HQ)."""

import numpy as np

from sdm_bench.datasets.base import Record, SemanticDataset, Sources
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern


class CelebAMaskHQ(SemanticDataset):
    """19 classes as stored. Its edges are those of the label map itself, so that the instance map is the label map.

    The release has photographs of 1024x1024 and maps of 512x512.
    """

    name = "celebamask_hq"
    splits = ("train", "val", "test")
    native_size = (256, 256)
    photo_may_differ = True

    @staticmethod
    def layout() -> str:
        return (
            "{train,test}/{images,labels}, as `sdm-bench data prepare celebamask_hq` writes from the official release"
        )

    def sources(self) -> Sources:
        folder = self.root / self.split
        if self.split == "val" and not folder.is_dir():
            folder = self.root / "test"
        return Sources(
            label=FilePattern(folder / "labels", MAP_SUFFIXES),
            image=FilePattern(folder / "images", IMAGE_SUFFIXES),
        )

    @staticmethod
    def label_ids(raw: np.ndarray) -> np.ndarray:
        return raw.astype(np.int64)

    def instances(self, record: Record, label: np.ndarray) -> np.ndarray:
        return label.astype(np.int32)
