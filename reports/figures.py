"""Pictures side by side: label map, photograph, and what each method makes of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reports.shown import GONE, file_name, label_maps, shown_together, title_of
from sdm_bench.base.drawing import colorize, grid
from sdm_bench.base.progress import say
from sdm_bench.datasets.pictures import read_image
from sdm_bench.datasets.transforms import Resized
from sdm_bench.sampling.folders import SampleFolder

EXAMPLES = 6
SHORT_SIDE = 96


def make_grids(folders: Sequence[Path]) -> dict[str, np.ndarray]:
    """Grids, uint8 (H, W, 3), by file name: one a dataset, split, size and label maps that `folders` have samples of.

    The only one is `grid.png`; several are `grid-<dataset>-<split>-<width>x<height>.png`, with the first digits of the
    label maps' digest behind that where it isn't enough. Where the label maps are no longer on the disk, a line says
    that the grid is left out.
    """
    groups = shown_together(folders)
    grids = {}
    for shown, targets in groups.items():
        name = file_name(shown, list(groups), "grid", ".png")
        real = label_maps(shown, targets)
        if real is None:
            say(f"{name} left out: {', '.join(str(target.folder) for target in targets)}: {GONE}")
        else:
            grids[name] = method_grid(targets, real)
    return grids


def method_grid(targets: Sequence[SampleFolder], real: Resized, examples: int = EXAMPLES) -> np.ndarray:
    """uint8 (H, W, 3): for evenly spread examples of the split, label map, photograph and a sample of each folder.

    The folders hold samples of the label maps of `real`.
    """
    options = [target.options() for target in targets]
    count = min(examples, len(real))
    chosen = [real[index] for index in np.linspace(0, len(real) - 1, count).round().astype(int)]
    colors = real.dataset.classes.colors
    rows = []
    for example in chosen:
        photograph = [] if example.image is None else [example.image]
        samples = [read_image(target.sample(example.id, target.seeds()[0])) for target in targets]
        rows.append([colorize(example.label, colors), *photograph, *samples])
    titles = ["label map", *(["photograph"] if chosen[0].image is not None else []), *map(title_of, options)]
    return grid(rows, titles, scale=max(1, SHORT_SIDE // min(options[0].image_size)))
