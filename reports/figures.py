"""Pictures side by side: label map, photograph, and what each method makes of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sdm_bench.base.drawing import colorize, grid
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.pictures import read_image
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models.methods import METHODS
from sdm_bench.sampling.folders import SampleFolder, SampleOptions

EXAMPLES = 6
SHORT_SIDE = 96
# Dataset, split and size.
Shown = tuple[str, str, tuple[int, int]]


def make_grids(folders: Sequence[Path]) -> dict[str, np.ndarray]:
    """A grid for each dataset, split and size that `folders` hold samples of, uint8 (H, W, 3), by file name.

    The only one is `grid.png`; several are `grid-<dataset>-<split>-<width>x<height>.png`.
    """
    groups: dict[Shown, list[SampleFolder]] = {}
    for folder in folders:
        target = SampleFolder(folder)
        options = target.options()
        groups.setdefault((options.dataset, options.split, options.image_size), []).append(target)
    return {
        "grid.png" if len(groups) == 1 else f"grid-{_words(*shown)}.png": method_grid(targets)
        for shown, targets in groups.items()
    }


def _words(dataset: str, split: str, size: tuple[int, int]) -> str:
    return f"{dataset}-{split}-{size[1]}x{size[0]}"


def method_grid(targets: Sequence[SampleFolder], examples: int = EXAMPLES) -> np.ndarray:
    """uint8 (H, W, 3): for evenly spread examples of the split, label map, photograph and a sample of each folder.

    The folders hold samples of one dataset, split and size.
    """
    options = [target.options() for target in targets]
    real = _real(options[0])
    count = min(examples, len(real))
    chosen = [real[index] for index in np.linspace(0, len(real) - 1, count).round().astype(int)]
    colors = real.dataset.classes.colors
    rows = []
    for example in chosen:
        photograph = [] if example.image is None else [example.image]
        samples = [read_image(target.sample(example.id, target.seeds()[0])) for target in targets]
        rows.append([colorize(example.label, colors), *photograph, *samples])
    titles = ["label map", *(["photograph"] if chosen[0].image is not None else []), *map(_title, options)]
    return grid(rows, titles, scale=max(1, SHORT_SIDE // min(options[0].image_size)))


def _real(options: SampleOptions) -> Resized:
    dataset = open_dataset(options.dataset, Path(options.data), options.split)
    return Resized(dataset, Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False))


def _title(options: SampleOptions) -> str:
    guided = options.guidance is not None and options.guidance > 1
    name = METHODS[options.method].title if options.method in METHODS else options.method
    solver = options.solver and f"{options.solver_title} {options.solver_steps}"
    return " ".join(filter(None, [name, options.variant_title, solver, f"s={options.guidance:g}" if guided else ""]))
