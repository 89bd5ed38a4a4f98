"""Edits: what changed outside the erased part, what is seen inside, and whether the border shows."""

from collections.abc import Sequence
from dataclasses import replace

from reports.lines import ALWAYS, COLUMNS
from reports.metric_table import chosen_lines, metric_table
from reports.table import Table, TableOptions
from sdm_bench.evaluation.metric import metric, metric_names
from sdm_bench.results.rows import ResultRow

# Numbers of which 1 is best, and neither more nor less.
UNRANKED = ("edit_seam", "edit_seam_within")
NOTES = (
    "outside, inside: of what was erased; what is known is pasted at the end unless the variant says otherwise, and "
    "PSNR is empty where not a value differs",
    "seam: squared steps across the border of what was erased over those across the same curve in photographs, 1 "
    "without a seam; inside a class: over pairs of pixels of one class alone, without outlines of objects",
    "re-synthesis: the whole picture was made, and the erased part of it taken",
)


def editing(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """A line a folder of edits and protocol."""
    outputs = {output.name: output for name in metric_names() if metric(name).edits for output in metric(name).outputs}
    chosen = chosen_lines("editing", rows, outputs, options)
    before = {name: COLUMNS[name] for name in ALWAYS[:-2]}
    behind = {"pairs": COLUMNS["images"], "seeds": COLUMNS["seeds"]}
    table = metric_table("editing", "Edits by edited label maps", chosen, outputs, before, behind)
    unranked = {outputs[name].title for name in UNRANKED}
    marks = {place: mark for place, mark in table.marks.items() if place[1] not in unranked}
    return replace(table, marks=marks, notes=[*NOTES, *table.notes])
