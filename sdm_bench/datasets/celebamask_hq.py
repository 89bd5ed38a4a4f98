"""CelebAMask-HQ in the prepared form: {train,val,test}/{images,labels} (switchablenorms/CelebAMask-HQ)."""

import numpy as np

from sdm_bench.datasets.base import IMAGE_SUFFIXES, MAP_SUFFIXES, Record, SemanticDataset, by_stem


class CelebAMaskHQ(SemanticDataset):
    """19 classes as stored. Its edges are those of the label map itself, so that the instance map is the label map."""

    name = "celebamask_hq"
    splits = ("train", "val", "test")
    native_size = (256, 256)

    @staticmethod
    def layout() -> str:
        return (
            "{train,test}/{images,labels}, as `sdm-bench data prepare celebamask_hq` writes from the official release"
        )

    def find(self) -> list[Record]:
        folder = self.root / self.split
        if self.split == "val" and not folder.is_dir():
            folder = self.root / "test"
        labels = by_stem(folder / "labels", MAP_SUFFIXES)
        images = by_stem(folder / "images", IMAGE_SUFFIXES)
        return [Record(name, images.get(name), path, None) for name, path in labels.items()]

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        return raw.astype(np.int64)

    def instances(self, record: Record, label: np.ndarray) -> np.ndarray:
        return label.astype(np.int32)
