"""The datasets by name."""

from dataclasses import dataclass
from pathlib import Path

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.datasets.ade20k import ADE20K
from sdm_bench.datasets.base import ClassTable, SemanticDataset
from sdm_bench.datasets.celebamask_hq import CelebAMaskHQ
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.class_file import read_class_file
from sdm_bench.datasets.coco_stuff import COCOStuff
from sdm_bench.datasets.folder import CLASSES_FILE, Folder

DATASETS: dict[str, type[SemanticDataset]] = {
    dataset.name: dataset for dataset in (Cityscapes, ADE20K, CelebAMaskHQ, COCOStuff, Folder)
}


def dataset_class(name: str, root: Path | None = None) -> type[SemanticDataset]:
    """The class of the dataset called `name`: a shipped one, or that of a `folder` whose classes.yaml calls it so.

    root: where it is. Raises UserError with the nearest known name.
    """
    if name in DATASETS:
        return DATASETS[name]
    file = None if root is None else root / CLASSES_FILE
    if file is None or not file.is_file():
        raise unknown_name("dataset", name, DATASETS)
    called = read_class_file(file).name
    if called != name:
        raise UserError(f"Unknown dataset '{name}': {file} calls it '{called}', and no other is called so.")
    return Folder


def describe() -> list[str]:
    """A line for each dataset: classes, native size, splits and layout."""
    return [_description(dataset) for dataset in DATASETS.values()]


def _description(dataset: type[SemanticDataset]) -> str:
    height, width = dataset.native_size
    size = f"{width}x{height}"
    about = f"{len(ClassTable.shipped(dataset.name))} classes, {size}" if dataset is not Folder else OWN.format(size)
    return f"{dataset.name}: {about}, {', '.join(dataset.splits)}; {dataset.layout()}"


OWN = "its own classes, name and size ({0} unless its classes.yaml says another)"


def open_dataset(name: str, root: Path | str, split: str = "val") -> SemanticDataset:
    """The split of the dataset called `name` below `root`: a sequence of examples, read when they are asked for.

    name: `cityscapes`, `ade20k`, `celebamask_hq`, `coco_stuff`, or of one's own `folder` or what its classes.yaml calls
    it. An Example has id, image uint8 (H, W, 3), label int64 (H, W) and, where there are any, instance int32 (H, W).
    Raises UserError for another name, and when it is not there.

    >>> import sdm_bench as sb
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    >>> scenes = sb.datasets.open("cityscapes", "scenes")
    >>> len(scenes), scenes[0].image.shape, scenes.classes.names[scenes[0].label[-1, 0]]
    (4, (32, 64, 3), 'road')
    """
    root = Path(root)
    return dataset_class(name, root)(root, split)


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
