"""Renders a dataset of one's own, much like CamVid: pictures of 4:3, ids of 16 bits with gaps, 255 for no class.

    python examples/camvid_like.py OUT --train 60 --val 20 --size 480x360

`sdm-bench data verify folder OUT` reads it, and so does every command with `--dataset folder --data OUT`. It shows what
a classes.yaml can say; the scenes are those of `sdm-bench data toy cityscapes`.
"""

import tempfile
from pathlib import Path

import click
import numpy as np

from sdm_bench.base.files import write_png, write_text
from sdm_bench.commands.options import OUT, Size
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.toy import write_toy

# The eleven classes: file value, name, colour, and the classes of Cityscapes that become it.
CLASSES = (
    (1, "sky", (128, 128, 128), ("sky",)),
    (10, "building", (128, 0, 0), ("building", "wall", "bridge", "tunnel")),
    (20, "pole", (192, 192, 128), ("pole", "polegroup")),
    (300, "road", (128, 64, 128), ("road", "parking")),
    (310, "pavement", (0, 0, 192), ("sidewalk",)),
    (400, "tree", (128, 128, 0), ("vegetation", "terrain")),
    (500, "sign symbol", (192, 128, 128), ("traffic sign", "traffic light")),
    (510, "fence", (64, 64, 128), ("fence", "guard rail")),
    (1000, "car", (64, 0, 128), ("car", "truck", "bus", "trailer", "caravan")),
    (40000, "pedestrian", (64, 64, 0), ("person",)),
    (65000, "bicyclist", (0, 128, 192), ("rider", "bicycle", "motorcycle")),
)
IGNORED = 255


def write_camvid_like(out: Path, counts: dict[str, int], size: tuple[int, int], seed: int = 0) -> None:
    """Writes classes.yaml, images/ and labels/ of each split below `out`, at `size` (height, width)."""
    rows = [f"- {{id: {value}, name: {name}, color: {list(color)}}}\n" for value, name, color, _ in CLASSES]
    head = f"name: camvid-like\nsize: {list(size)}  # height, width\nignore: {IGNORED}\nclasses:\n"
    write_text(out / "classes.yaml", head + "".join(rows))
    values = file_values()
    with tempfile.TemporaryDirectory() as scenes:
        write_toy("cityscapes", Path(scenes), counts, size, seed)
        for split, count in counts.items():
            for example in Cityscapes(Path(scenes), split) if count else ():
                assert example.image is not None
                write_png(out / split / "images" / f"{example.id}.png", example.image)
                write_png(out / split / "labels" / f"{example.id}.png", values[example.label])


def file_values() -> np.ndarray:
    """uint16 (classes of Cityscapes,): the file value that each becomes."""
    names = ClassTable.shipped("cityscapes").names
    return np.array([next((v for v, _, _, of in CLASSES if name in of), IGNORED) for name in names], np.uint16)


@click.command()
@click.argument("out", type=OUT)
@click.option("--train", type=click.IntRange(min=0), default=60, show_default=True, help="Scenes of the train split.")
@click.option("--val", type=click.IntRange(min=0), default=20, show_default=True, help="Scenes of the val split.")
@click.option("--size", type=Size(), default="480x360", show_default=True, help="WIDTHxHEIGHT in pixels.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(out: Path, train: int, val: int, size: tuple[int, int], seed: int) -> None:
    """Render a CamVid-like dataset into OUT."""
    write_camvid_like(out, {"train": train, "val": val}, size, seed)


if __name__ == "__main__":
    main()
