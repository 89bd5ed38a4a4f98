"""Edits: the picture with what was erased in green, the edited label map, and several samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.figures.drawing import Drawing
from reports.figures.examples import evenly
from reports.figures.material import Examples, Material
from reports.figures.pictures import PictureSet, samples
from reports.figures.registry import NothingToDraw
from reports.figures.sheet import BLANK, Sheet, draw_sheet
from reports.figures.style import styled
from reports.figures.text import told_apart
from reports.shown import Shown, file_name, title_of
from sdm_bench.base.drawing import colorize
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.sampling.edit_folders import Edit, EditedPictures, EditFolder

EXAMPLES, SHOWN = 4, 3
GREEN = (0, 200, 0)
ALT = "In rows, a picture with its erased part in green, the edited label map and several edited pictures"


@dataclass(frozen=True)
class Together:
    """Folders of edits of the same pairs, with a heading each, and what was edited."""

    folders: Sequence[EditFolder]
    headings: Sequence[str]
    pictures: EditedPictures


def editing(material: Material) -> list[Drawing]:
    """A figure for all folders in which the same was erased of the same pictures; of each its first seeds.

    Raises NothingToDraw where there is none, and UserError for an id that isn't among the pairs, or a choice by what
    whole samples show.
    """
    groups: dict[Shown, list[EditFolder]] = {}
    for target in map(EditFolder, material.runs):
        if target.exists:
            options = target.options()
            of = Shown(options.dataset, options.split, options.image_size, options.labels_sha256)
            groups.setdefault(of, []).append(target)
    if not groups:
        raise NothingToDraw("figure editing: no edits in any of the folders; `sdm-bench edit` makes them")
    return [
        _drawn(file_name(of, list(groups), "editing", ""), _together(folders), material.examples)
        for of, folders in groups.items()
    ]


def _together(folders: Sequence[EditFolder]) -> Together:
    options = [folder.options() for folder in folders]
    details = [{"folder": folder.folder.resolve().name} for folder in folders]
    return Together(folders, told_apart([title_of(each) for each in options], details), folders[0].pictures())


def _drawn(name: str, of: Together, examples: Examples) -> Drawing:
    edits = [of.pictures.edit(place) for place in _chosen(of.pictures, examples)]
    seeds = max((folder.seeds()[:SHOWN] for folder in of.folders), key=len)
    rows, records = [], []
    for edit in edits:
        for folder, heading in zip(of.folders, of.headings, strict=True):
            first = folder is of.folders[0]
            made = list(samples(folder, edit.example, folder.seeds()[: len(seeds)]))
            rows.append([*(_given(edit, of.pictures) if first else [BLANK, BLANK]), *made])
            rows[-1] += [BLANK] * (len(seeds) - len(made))
            records.append(
                {
                    "id": edit.example.id,
                    "row": heading,
                    "run": folder.folder.resolve().name,
                    "seeds_shown": " ".join(map(str, folder.seeds()[: len(seeds)])),
                    "erased": float(edit.erased.mean()),
                    "classes_made": " ".join(
                        of.pictures.classes.names[place] for place in np.unique(edit.example.label[edit.erased])
                    ),
                    "missing": sum(each is None for each in made),
                }
            )
    headings = ["erased", "edited label map", *(f"seed {seed}" for seed in seeds)]
    names = [of.headings[number % len(of.folders)] for number in range(len(rows))]
    legend = PictureSet(name, of.folders, of.headings, [edit.example for edit in edits], of.pictures.classes).legend
    with styled():
        figure = draw_sheet(Sheet(rows, headings, names, 2, [*legend, ("erased", GREEN)]))
    return Drawing(name, figure, pd.DataFrame(records), ALT)


def _given(edit: Edit, pictures: EditedPictures) -> list[np.ndarray | None]:
    assert edit.example.image is not None
    erased = np.where(edit.erased[..., None], np.array(GREEN, np.uint8), edit.example.image)
    return [erased, colorize(edit.example.label, pictures.classes.colors)]


def _chosen(pictures: EditedPictures, examples: Examples) -> list[int]:
    """The places of the pairs that are shown."""
    places = {record.id: place for place, record in enumerate(pictures.records)}
    if examples.way != "evenly":
        raise UserError(f"--examples {examples.way}: of whole samples; pairs are shown evenly or by --example")
    unknown = [id for id in examples.ids if id not in places]
    if unknown:
        raise unknown_name("pair", unknown[0], list(places))
    ids = dict.fromkeys(examples.ids) or evenly(list(places), min(examples.count or EXAMPLES, len(places)))
    return [places[id] for id in ids]
