"""Toy scenes on disk, in the official layout of their dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.files import is_whole_picture, write_json, write_picture, write_png
from sdm_bench.base.progress import track
from sdm_bench.base.temporary import remove_leftovers
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.datasets.toy_scenes import SETTINGS, toy_settings
from sdm_bench.toy.layout import FIRST_INDEX, LAYOUTS, Files
from sdm_bench.toy.scenes import ToyScene, render

# Goes up when a scene of the same key looks different.
VERSION = 1


def write_toy(dataset: str, root: Path | str, counts: Mapping[str, int], size: tuple[int, int], seed: int = 0) -> None:
    """Writes `counts[split]` scenes of each split below `root`, at `size` (height, width).

    dataset: `cityscapes`, `ade20k`, `celebamask_hq` or `coco_stuff`, whose official layout and ids the scenes have.
    Files that are there already, and whole, stay, so that the same command resumes and a larger count extends. Raises
    UserError for an unknown dataset or split, a seed below 0, and where `root` holds anything but toy scenes of this
    dataset, size and seed.

    >>> import sdm_bench as sb
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    """
    root = Path(root)
    if dataset not in LAYOUTS:
        raise unknown_name("toy dataset", dataset, LAYOUTS)
    if seed < 0:
        raise UserError(f"seed {seed}: a seed of toy scenes is 0 or more.")
    _check_splits(dataset, counts)
    _claim(root, {"dataset": dataset, "size": list(size), "seed": seed, "version": VERSION})
    scenes = [
        (index, LAYOUTS[dataset](split, index))
        for split, count in counts.items()
        for index in range(FIRST_INDEX[split], FIRST_INDEX[split] + count)
    ]
    missing = [
        (index, files) for index, files in scenes if not all(is_whole_picture(root / path) for path in files.all())
    ]
    done = len(scenes) - len(missing)
    for index, files in track(missing, f"toy {dataset}", total=len(scenes), done=done, unit="scenes"):
        _write(root, files, render(dataset, index, seed, size))


def _check_splits(dataset: str, counts: Mapping[str, int]) -> None:
    splits = dataset_class(dataset).splits
    for split in counts:
        if split not in splits:
            raise UserError(f"{dataset} has no split '{split}'; it has {', '.join(splits)}.")
    if dataset == "celebamask_hq" and {"val", "test"} <= set(counts):
        raise UserError("celebamask_hq keeps val and test in one folder, test; expected a count for one of them.")


def _claim(root: Path, settings: dict[str, Any]) -> None:
    """Makes `root` the folder of these scenes; raises UserError where it holds others or something else."""
    path = root / SETTINGS
    remove_leftovers(root)
    if path.is_file():
        found = toy_settings(path)
        if found != settings:
            raise UserError(f"{root}: holds toy scenes of {_words(found)}; expected {_words(settings)}.")
    elif root.is_dir() and any(root.iterdir()):
        raise UserError(f"{root}: holds other files and no {SETTINGS}; expected an empty folder or one of toy scenes.")
    else:
        write_json(path, settings)


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _write(root: Path, files: Files, scene: ToyScene) -> None:
    """Writes those files of a scene that are not there."""
    for path, pixels in ((files.image, scene.image), (files.label, scene.label), (files.instance, scene.instance)):
        if path is None or pixels is None or is_whole_picture(root / path):
            continue
        if path.suffix == ".jpg":
            # at small sizes halved chroma would smear one class's colour over its neighbours
            write_picture(root / path, pixels, format="JPEG", quality=95, subsampling=0)
        else:
            write_png(root / path, pixels)
