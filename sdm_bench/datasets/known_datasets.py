"""The datasets by name."""

from dataclasses import dataclass
from pathlib import Path

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.datasets.ade20k import ADE20K
from sdm_bench.datasets.base import ClassTable, SemanticDataset
from sdm_bench.datasets.celebamask_hq import CelebAMaskHQ
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.coco_stuff import COCOStuff
from sdm_bench.datasets.folder import Folder

DATASETS: dict[str, type[SemanticDataset]] = {
    dataset.name: dataset for dataset in (Cityscapes, ADE20K, CelebAMaskHQ, COCOStuff, Folder)
}


def dataset_class(name: str) -> type[SemanticDataset]:
    """The class of the dataset called `name`; raises UserError with the nearest known name."""
    if name not in DATASETS:
        raise unknown_name("dataset", name, DATASETS)
    return DATASETS[name]


def describe() -> list[str]:
    """A line for each dataset: classes, native size, splits and layout."""
    return [_description(dataset) for dataset in DATASETS.values()]


def _description(dataset: type[SemanticDataset]) -> str:
    height, width = dataset.native_size
    classes = "its own classes" if dataset is Folder else f"{len(ClassTable.shipped(dataset.name))} classes"
    return f"{dataset.name}: {classes}, {width}x{height}, {', '.join(dataset.splits)}; {dataset.layout()}"


def open_dataset(name: str, root: Path, split: str) -> SemanticDataset:
    """The dataset called `name` below `root`; raises UserError when it is not there."""
    return dataset_class(name)(root, split)


@dataclass(frozen=True)
class DatasetSplit:
    """Which examples a command is about: a dataset's name, its root and a split; None: not said."""

    name: str | None = None
    root: Path | None = None
    split: str | None = "val"

    def open(self) -> SemanticDataset:
        """The examples; raises UserError where something is not said, or not there."""
        if self.name is None:
            raise UserError(f"--dataset: which one? Expected one of {', '.join(DATASETS)}")
        if self.root is None:
            raise UserError(f"--data: where is {self.name}? Expected its root ({dataset_class(self.name).layout()})")
        return open_dataset(self.name, self.root, self.split or "val")
