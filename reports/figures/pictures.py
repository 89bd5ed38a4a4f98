"""The runs whose samples stand side by side: in the user's order, under headings that differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reports.figures.examples import chosen
from reports.figures.material import ColumnChoice, Material
from reports.figures.registry import NothingToDraw
from reports.figures.text import told_apart
from reports.lines import SHORT_DIGEST
from reports.shown import GONE, file_name, label_maps, shown_together, title_of
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import ClassTable, Example
from sdm_bench.datasets.pictures import read_image
from sdm_bench.models.methods import METHODS
from sdm_bench.sampling.folders import SampleFolder, SampleOptions


@dataclass(frozen=True)
class PictureSet:
    """Runs of the same label maps, with a heading each, and the label maps that are shown of them."""

    name: str
    targets: Sequence[SampleFolder]
    headings: Sequence[str]
    examples: Sequence[Example]
    classes: ClassTable

    @property
    def photographs(self) -> bool:
        """Whether any label map has one."""
        return any(example.image is not None for example in self.examples)

    @property
    def legend(self) -> list[tuple[str, Sequence[int]]]:
        """Names and colours of the classes that the examples show, those of one colour together."""
        present = np.unique(np.concatenate([np.unique(example.label) for example in self.examples]))
        by_color: dict[tuple[int, ...], list[str]] = {}
        for place in present:
            by_color.setdefault(tuple(self.classes.colors[place].tolist()), []).append(self.classes.names[place])
        return [(", ".join(names), color) for color, names in by_color.items()]


def picture_sets(figure: str, material: Material, count: int) -> list[PictureSet]:
    """The runs with samples, by dataset, split, size and label maps; `count` examples of each unless the user says.

    Where the label maps are no longer on the disk a line says so. Raises NothingToDraw where nothing is left, and
    UserError for a column that isn't among the runs.
    """
    if not material.folders:
        raise NothingToDraw(f"figure {figure}: no samples in any of the runs; `sdm-bench generate` makes them")
    ordered = _ordered(material.folders, material.columns)
    groups = shown_together(list(ordered))
    sets, gone = [], []
    for shown, targets in groups.items():
        name = file_name(shown, list(groups), figure, "")
        real = label_maps(shown, targets)
        if real is None:
            gone.append(f"{name} left out: {', '.join(str(target.folder) for target in targets)}: {GONE}")
            continue
        headings = _headings(targets, [ordered[target.folder] for target in targets])
        examples = [real[place] for place in chosen(material, real, targets, count)]
        sets.append(PictureSet(name, targets, headings, examples, real.dataset.classes))
    if not sets:
        raise NothingToDraw("; ".join(gone))
    for line in gone:
        say(line)
    return sets


def _ordered(folders: Sequence[Path], columns: Sequence[ColumnChoice]) -> dict[Path, str]:
    """The folders to show with the heading that the user gave each, in the user's order, else in that of tables."""
    if not columns:
        known = list(METHODS)
        placed = sorted(folders, key=lambda folder: _place(SampleFolder(folder).options(), known))
        return dict.fromkeys(placed, "")
    found: dict[Path, str] = {}
    for column in columns:
        fitting = [each for each in folders if str(each) == str(Path(column.run))]
        fitting = fitting or [each for each in folders if each.resolve().name == column.run]
        if len(fitting) != 1:
            there = ", ".join(str(each) for each in fitting or folders)
            raise UserError(
                f"--column {column.run}: {'several' if fitting else 'no'} such run; expected one of {there}"
            )
        if fitting[0] in found:
            raise UserError(f"--column {column.run}: given twice; expected each run once")
        found[fitting[0]] = column.heading
    return found


def _place(options: SampleOptions, known: Sequence[str]) -> tuple:
    """As lines of tables are ordered."""
    place = known.index(options.method) if options.method in known else len(known)
    return place, options.method, options.variant_title, options.guidance or 0.0


def _headings(targets: Sequence[SampleFolder], given: Sequence[str]) -> list[str]:
    """What columns are called, all different: as the user said, else by method, solver and guidance."""
    options = [target.options() for target in targets]
    solvers = {(each.solver_title, each.solver_steps) for each in options if each.solver}
    titles = [name or _title(each, len(solvers) > 1) for name, each in zip(given, options, strict=True)]
    return told_apart(titles, [_details(target, each) for target, each in zip(targets, options, strict=True)])


def _title(options: SampleOptions, solver: bool) -> str:
    """The method, with the solver where runs differ in it."""
    return title_of(options if solver else options.model_copy(update={"solver": None}))


def _details(target: SampleFolder, options: SampleOptions) -> dict[str, str]:
    return {
        "guidance": "" if options.guidance is None else f"{options.guidance:g}",
        "training seed": "" if options.training_seed is None else str(options.training_seed),
        "training steps": "" if options.training_steps is None else str(options.training_steps),
        "configuration": options.configuration_sha256[:SHORT_DIGEST],
        "weights": options.weights_sha256[:SHORT_DIGEST],
        "folder": target.folder.resolve().name,
    }


def samples(target: SampleFolder, example: Example, seeds: Sequence[int]) -> Iterator[np.ndarray | None]:
    """The samples of a label map, uint8 (H, W, 3), None for one that was not made.

    Raises UserError for one of another size.
    """
    for seed in seeds:
        file = target.sample(example.id, seed)
        picture = read_image(file) if file.is_file() else None
        if picture is not None and picture.shape[:2] != example.label.shape:
            found, wanted = (f"{shape[1]}x{shape[0]}" for shape in (picture.shape, example.label.shape))
            raise UserError(f"{file}: {found} pixels; expected {wanted} as {target.folder / 'run.json'} says")
        yield picture
