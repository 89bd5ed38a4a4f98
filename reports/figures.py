"""Pictures side by side: label map, photograph, and what each method makes of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reports.lines import SHORT_DIGEST
from sdm_bench.base.drawing import colorize, grid
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.pictures import read_image
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models.methods import METHODS
from sdm_bench.sampling.folders import SampleFolder, SampleOptions

EXAMPLES = 6
SHORT_SIDE = 96
GONE = "their data no longer have the label maps that the samples were made from"
# Dataset, split, size and the digest of the label maps.
Shown = tuple[str, str, tuple[int, int], str]


def make_grids(folders: Sequence[Path]) -> dict[str, np.ndarray]:
    """Grids, uint8 (H, W, 3), by file name: one a dataset, split, size and label maps that `folders` have samples of.

    The only one is `grid.png`; several are `grid-<dataset>-<split>-<width>x<height>.png`, with the first digits of the
    label maps' digest behind that where it isn't enough. Where the label maps are no longer on the disk, a line says
    that the grid is left out.
    """
    groups: dict[Shown, list[SampleFolder]] = {}
    for folder in folders:
        target = SampleFolder(folder)
        options = target.options()
        shown = options.dataset, options.split, options.image_size, options.labels_sha256
        groups.setdefault(shown, []).append(target)
    grids = {}
    for shown, targets in groups.items():
        real = _real([target.options() for target in targets])
        if real is None:
            say(f"{_name(shown, list(groups))} left out: {', '.join(str(target.folder) for target in targets)}: {GONE}")
        else:
            grids[_name(shown, list(groups))] = method_grid(targets, real)
    return grids


def _name(shown: Shown, among: Sequence[Shown]) -> str:
    if len(among) == 1:
        return "grid.png"
    dataset, split, (height, width), labels = shown
    alike = [other for other in among if other[:3] == shown[:3]]
    behind = f"-{labels[:SHORT_DIGEST]}" if len(alike) > 1 else ""
    return f"grid-{dataset}-{split}-{width}x{height}{behind}.png"


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
    titles = ["label map", *(["photograph"] if chosen[0].image is not None else []), *map(_title, options)]
    return grid(rows, titles, scale=max(1, SHORT_SIDE // min(options[0].image_size)))


def _real(runs: Sequence[SampleOptions]) -> Resized | None:
    """The label maps that samples are of, from the first run's data that still has them; None where none has."""
    first = runs[0]
    for data in dict.fromkeys(options.data for options in runs):
        try:
            dataset = open_dataset(first.dataset, Path(data), first.split)
            found = labels_sha256(dataset)
        except (UserError, OSError) as error:
            say(str(error))
            continue
        if found == first.labels_sha256:
            return Resized(dataset, Transform(first.recipe, first.image_size, dataset.keeps_aspect, training=False))
    return None


def _title(options: SampleOptions) -> str:
    guided = options.guidance is not None and options.guidance > 1
    name = METHODS[options.method].title if options.method in METHODS else options.method
    solver = options.solver and f"{options.solver_title} {options.solver_steps}"
    return " ".join(filter(None, [name, options.variant_title, solver, f"s={options.guidance:g}" if guided else ""]))
