"""Writes a classes.yaml for a dataset of one's own from what its label maps hold."""

import colorsys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_text
from sdm_bench.base.progress import track
from sdm_bench.datasets.base import IGNORED
from sdm_bench.datasets.class_file import LARGEST_ID, LONGEST_NAME, NAME, SHIPPED, read_class_file
from sdm_bench.datasets.folder import CLASSES_FILE, Folder, label_pattern, splits_of
from sdm_bench.datasets.maps import packed, read_values, unpacked
from sdm_bench.datasets.pictures import in_parallel, open_picture

# What label maps of 8 and of 16 bits hold where no class is.
USUALLY_IGNORED = (IGNORED, LARGEST_ID)
NO_NAME = "own-data"
HEAD = "# Written by `sdm-bench data init folder` from what the label maps hold: put in names, and what is ignored.\n"


@dataclass
class Found:
    """What label maps hold: pixels and label maps by id or by packed colour, and how many have each (height, width)."""

    colored: bool
    pixels: Counter[int] = field(default_factory=Counter)
    maps: Counter[int] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    palette: tuple[int, ...] = ()

    @property
    def what(self) -> str:
        """What they hold, in a word."""
        return "colours" if self.colored else "ids"

    def counts(self, value: int) -> str:
        """How often a value occurs."""
        return f"{self.pixels[value]} pixels in {self.maps[value]} of {self.sizes.total()} label maps"


def init_folder(root: Path) -> list[str]:
    """Writes `<root>/classes.yaml`, one row an id or colour that occurs; returns what was found as lines.

    Names are made up, and colours too unless the label maps have a palette. Raises UserError where a classes.yaml is
    there, where there are no label maps, where some hold ids and some colours, and where there are too many classes.
    """
    target = root / CLASSES_FILE
    if target.exists():
        raise UserError(f"{target}: is there already and stays as it is; move it away to have another one written")
    files = [
        path for split in splits_of(root) for paths in label_pattern(root, split).files().values() for path in paths
    ]
    if not files:
        raise UserError(f"{root}: no label maps; expected {Folder.layout()}")
    found = _look(files)
    values = sorted(found.pixels)
    ignored = [value for value in values if value in USUALLY_IGNORED and not found.colored and len(values) > 1]
    classes = [value for value in values if value not in ignored]
    if len(classes) > IGNORED:
        first = ", ".join(str(unpacked(value) if found.colored else value) for value in classes[:3])
        raise UserError(
            f"{root}: {len(classes)} {found.what} in the label maps, like {first}; expected at most {IGNORED} classes: "
            "are these label maps, and were they ever resized or saved with loss?"
        )
    write_text(target, "".join(_lines(root, found, classes, ignored)))
    read_class_file(target)
    return [
        f"{target}: {len(classes)} {found.what} of {found.sizes.total()} label maps; names are made up",
        *(f"ignored: {value}, {found.counts(value)}" for value in ignored),
    ]


def _look(files: Sequence[Path]) -> Found:
    """What the label maps hold; raises UserError for one that can't be read, or is of the other kind than the first."""
    found: Found | None = None
    for path, values in zip(
        files, track(in_parallel(read_values, files), "reading label maps", len(files)), strict=True
    ):
        colored = values.ndim == 3
        found = found or Found(colored, palette=() if colored else _palette(path))
        if colored != found.colored:
            kinds = ("ids", "colours") if found.colored else ("colours", "ids")
            raise UserError(f"{path}: holds {kinds[0]}, but {files[0]} {kinds[1]}; expected one kind of label map")
        there, counts = np.unique(packed(values) if colored else values, return_counts=True)
        found.pixels.update(dict(zip(there.tolist(), counts.tolist(), strict=True)))
        found.maps.update(there.tolist())
        found.sizes[(values.shape[0], values.shape[1])] += 1
    assert found is not None
    return found


def _palette(path: Path) -> tuple[int, ...]:
    """Red, green and blue of each index of a palette, one after the other; nothing without one."""
    return tuple(open_picture(path).getpalette("RGB") or ())


def _lines(root: Path, found: Found, classes: Sequence[int], ignored: Sequence[int]) -> Iterator[str]:
    (size, count), *_ = found.sizes.most_common(1)
    yield HEAD
    yield f'name: "{_name(root)}"\n'
    yield f"size: {list(size)}  # height, width; {count} of {found.sizes.total()} label maps have it\n"
    if ignored:
        yield f"ignore: {list(ignored)}  # {'; '.join(found.counts(value) for value in ignored)}\n"
    yield "classes:\n"
    for index, value in enumerate(classes):
        color = unpacked(value) if found.colored else _color(found, index, value)
        number, name = (index, "-".join(map(str, color))) if found.colored else (value, str(value))
        yield f"- {{id: {number}, name: class {name}, color: {list(color)}}}  # {found.counts(value)}\n"


def _color(found: Found, index: int, value: int) -> tuple[int, ...]:
    of_palette = found.palette[3 * value : 3 * value + 3]
    if len(of_palette) == 3:
        return of_palette
    # hues a golden section apart, in turns lighter and darker
    red, green, blue = colorsys.hsv_to_rgb(index * 0.618034 % 1, 0.5 + index % 3 * 0.2, 0.95 - index % 4 * 0.15)
    return round(255 * red), round(255 * green), round(255 * blue)


def _name(root: Path) -> str:
    """The folder's name, as far as a dataset can be called so."""
    spelled = "".join(each if each.isalnum() or each in "-_." else "-" for each in root.resolve().name)
    name = spelled.strip("-_.")[:LONGEST_NAME]
    usable = name and name.casefold() not in (*SHIPPED, NAME)
    return name if usable else NO_NAME
