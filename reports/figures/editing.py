"""Edits: the picture with what was erased in green, the edited label map, and several samples."""

from collections.abc import Sequence

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
from reports.pictured import Pictured, of_edits
from reports.shown import file_name, shown_together
from sdm_bench.base.drawing import colorize
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.sampling.edit_folders import Edit, EditedPictures, EditFolder

EXAMPLES, SHOWN = 4, 3
GREEN = (0, 200, 0)
ALT = "In rows, a picture with its erased part in green, the edited label map and several edited pictures"


def editing(material: Material) -> list[Drawing]:
    """A figure for all folders in which the same was erased of the same pictures; of each its first seeds.

    Raises NothingToDraw where there is none, and UserError for an id that isn't among the pairs, or a choice by what
    whole samples show.
    """
    folders = [folder for folder in map(EditFolder, material.runs) if folder.exists]
    if not folders:
        raise NothingToDraw("figure editing: no edits in any of the folders; `sdm-bench edit` makes them")
    groups = shown_together([of_edits(folder.folder) for folder in folders])
    pictures = {folder.options().labels_sha256: folder for folder in folders}
    return [
        _drawn(file_name(shown, list(groups), "editing", ""), pictured, pictures[shown.labels_sha256].pictures(),
               material.examples)
        for shown, pictured in groups.items()
    ]  # fmt: skip


def _drawn(name: str, pictured: Sequence[Pictured], pictures: EditedPictures, examples: Examples) -> Drawing:
    edits = [pictures.edit(place) for place in _chosen(pictures, examples)]
    seeds = max((each.seeds[:SHOWN] for each in pictured), key=len)
    titles = told_apart([each.title() for each in pictured], [each.details for each in pictured])
    rows, records = [], []
    for edit in edits:
        for each, title in zip(pictured, titles, strict=True):
            mine = each.seeds[: len(seeds)]
            made = list(samples(each, edit.example, mine))
            given = _given(edit, pictures) if each is pictured[0] else [BLANK, BLANK]
            rows.append([*given, *made, *[BLANK] * (len(seeds) - len(made))])
            records.append(_record(edit, pictures, title, each.name, mine, made))
    headings = ["erased", "edited label map", *(f"seed {seed}" for seed in seeds)]
    legend = PictureSet(name, pictured, titles, [edit.example for edit in edits], pictures.classes).legend
    with styled():
        figure = draw_sheet(Sheet(rows, headings, titles * len(edits), 2, [*legend, ("erased", GREEN)]))
    return Drawing(name, figure, pd.DataFrame(records), ALT)


def _record(
    edit: Edit,
    pictures: EditedPictures,
    title: str,
    run: str,
    seeds: Sequence[int],
    made: Sequence[np.ndarray | None],
) -> dict[str, object]:
    """A line of the data: of a pair by one method."""
    names = [pictures.classes.names[place] for place in np.unique(edit.example.label[edit.erased])]
    return {
        "id": edit.example.id,
        "row": title,
        "run": run,
        "seeds_shown": " ".join(map(str, seeds)),
        "erased": float(edit.erased.mean()),
        "classes_made": " ".join(names),
        "missing": sum(each is None for each in made),
    }


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
