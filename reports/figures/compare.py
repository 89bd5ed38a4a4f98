"""Label map, photograph and a sample of each run, side by side."""

import pandas as pd

from reports.figures.drawing import Drawing
from reports.figures.material import Material
from reports.figures.pictures import PictureSet, picture_sets, samples
from reports.figures.sheet import Sheet, draw_sheet
from reports.figures.style import styled
from sdm_bench.base.drawing import colorize

EXAMPLES = 6
ALT = "In rows, a label map, its photograph and a sample of each method"


def compare(material: Material) -> list[Drawing]:
    """A figure for all runs of the same label maps at one size; of each run the first seed."""
    return [_drawn(each) for each in picture_sets("compare", material, EXAMPLES)]


def _drawn(of: PictureSet) -> Drawing:
    rows, records = [], []
    headings = ["label map", *(["photograph"] if of.photographs else []), *of.headings]
    for number, example in enumerate(of.examples, start=1):
        photograph = [example.image] if of.photographs else []
        row = [colorize(example.label, of.classes.colors), *photograph]
        for pictured, heading in zip(of.pictured, of.headings, strict=True):
            seed = pictured.seeds[0]
            row += samples(pictured, example, [seed])
            about = {"row": number, "id": example.id, "column": heading, "seed": seed}
            records.append({**about, "run": pictured.name, "missing": row[-1] is None})
        rows.append(row)
    with styled():
        figure = draw_sheet(Sheet(rows, headings, legend=of.legend))
    return Drawing(of.name, figure, pd.DataFrame(records), ALT)
