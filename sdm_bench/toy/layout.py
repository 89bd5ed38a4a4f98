"""The official folders and file names of each dataset, for toy scenes. A file's number is its scene's index."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Where the scenes of each split begin, so that no scene is in two.
FIRST_INDEX = {"train": 0, "val": 500_000, "test": 750_000}


@dataclass(frozen=True)
class Files:
    """Where the files of one scene are, below the dataset's root; no instance map where the dataset has none."""

    image: Path
    label: Path
    instance: Path | None = None

    def all(self) -> tuple[Path, ...]:
        """Every file of the scene."""
        return (self.image, self.label) + ((self.instance,) if self.instance else ())


def _cityscapes(split: str, index: int) -> Files:
    name = f"{split}/toyville/toyville_{index:06d}_000019"
    return Files(
        image=Path(f"leftImg8bit/{name}_leftImg8bit.png"),
        label=Path(f"gtFine/{name}_gtFine_labelIds.png"),
        instance=Path(f"gtFine/{name}_gtFine_instanceIds.png"),
    )


def _ade20k(split: str, index: int) -> Files:
    folder = {"train": "training", "val": "validation"}[split]
    base, name = Path("ADEChallengeData2016"), f"{folder}/ADE_{split}_{index:08d}"
    return Files(base / f"images/{name}.jpg", base / f"annotations/{name}.png")


def _celebamask_hq(split: str, index: int) -> Files:
    folder = Path("train" if split == "train" else "test")
    return Files(folder / f"images/{index:06d}.jpg", folder / f"labels/{index:06d}.png")


def _coco_stuff(split: str, index: int) -> Files:
    name = f"{index:012d}"
    return Files(
        image=Path(f"{split}_img/{name}.jpg"),
        label=Path(f"{split}_label/{name}.png"),
        instance=Path(f"{split}_inst/{name}.png"),
    )


# By dataset: the files of a scene of a split.
LAYOUTS: dict[str, Callable[[str, int], Files]] = {
    "cityscapes": _cityscapes,
    "ade20k": _ade20k,
    "celebamask_hq": _celebamask_hq,
    "coco_stuff": _coco_stuff,
}
