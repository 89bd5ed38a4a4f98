"""Pictures side by side: label map, photograph, and what each method makes of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.pictures import read_image
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.drawing import colorize, grid
from sdm_bench.errors import UserError
from sdm_bench.files import write_png
from sdm_bench.models.catalog import METHODS
from sdm_bench.sampling import SampleFolder, SampleOptions

EXAMPLES = 6
SHORT_SIDE = 96


def method_grid(folders: Sequence[Path], examples: int = EXAMPLES) -> np.ndarray:
    """uint8 (H, W, 3): for evenly spread examples of the split, label map, photograph and a sample of each folder.

    Raises UserError where the folders don't hold samples of one dataset and size.
    """
    targets = [SampleFolder(folder) for folder in folders]
    options = [target.options() for target in targets]
    real = _real(options, [target.folder for target in targets])
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


def write_grid(folders: Sequence[Path], path: Path) -> Path:
    """Writes the grid of `folders` to `path`."""
    write_png(path, method_grid(folders))
    return path


def _real(options: Sequence[SampleOptions], folders: Sequence[Path]) -> Resized:
    first = options[0]
    for each, folder in zip(options, folders, strict=True):
        if (each.dataset, each.split, each.image_size) != (first.dataset, first.split, first.image_size):
            raise UserError(
                f"{folder} holds samples of {each.dataset} {each.split} at {each.image_size}, {folders[0]} of "
                f"{first.dataset} {first.split} at {first.image_size}; one grid shows one dataset and size"
            )
    dataset = open_dataset(first.dataset, Path(first.data), first.split)
    return Resized(dataset, Transform(first.recipe, first.image_size, dataset.keeps_aspect, training=False))


def _title(options: SampleOptions) -> str:
    guided = options.guidance is not None and options.guidance > 1
    name = METHODS[options.method].title if options.method in METHODS else options.method
    return " ".join(filter(None, [name, options.variant, f"s={options.guidance:g}" if guided else ""]))
