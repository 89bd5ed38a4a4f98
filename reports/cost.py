"""What methods cost, as it was recorded when they were trained and sampled."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reports.cells import Column, text_columns
from reports.lines import COLUMNS, Line, telling_columns
from reports.metric_table import chosen_lines, without_empty
from reports.names import column_name
from reports.table import NothingToShow, Table, TableOptions
from sdm_bench.evaluation.metric import main_outputs
from sdm_bench.results.rows import REAL, ResultRow
from sdm_bench.sampling.cost import Cost, read_cost
from sdm_bench.sampling.folders import SampleFolder, SampleOptions

BEFORE = ("dataset", "size", "method", "variant", "solver", "guidance")
PARAMETERS, EVALUATIONS, FLOP, HOURS = "parameters (M)", "evaluations", "GFLOP a sample", "training hours"
SECONDS = "seconds a sample"
DIGITS = {PARAMETERS: 2, FLOP: 2, HOURS: 2}
NOTES = (
    "parameters: of the network that samples, an encoder included, in millions",
    "evaluations: of the network for a sample; with guidance two a step, or + those of a segmenter that guides, each "
    "with its gradient",
    "GFLOP a sample: convolutions, products and attention of plain evaluations, a guiding segmenter's included; the "
    "fast path needs fewer",
    "seconds a sample: of the network's part of sampling, in batches, a filled-up last batch counted whole; times of "
    "different devices or of busy machines do not compare",
    "training hours: wall-clock time of the training and of those that it started from, whatever it ran on",
    "empty: not recorded, as of others' pictures and of samples of earlier versions",
)


def cost(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """A line a network and way of sampling, with what is recorded of it beside its samples."""
    made = [row for row in rows if row.method != REAL]
    if not made:
        raise NothingToShow("no results of methods for the table cost")
    lines, _ = chosen_lines("cost", made, main_outputs(), TableOptions())
    sampled = sampled_in(options.folders)
    shown = [COLUMNS[name] for name in BEFORE]
    apart = [
        name for name in telling_columns(lines, shown) if name not in ("segmenter", "extractor", "protocol content")
    ]
    names = [*BEFORE, *(name for name in apart if name not in BEFORE)]
    found = [(tuple(line.field(name) for name in names), cost_of(line, sampled)) for line in lines]
    if all(each == Cost() for _, each in found):
        raise NothingToShow(
            "no cost is recorded beside the samples of these results; `sdm-bench generate` of this version records it"
        )
    # one network under two protocols is one line
    records = [dict(zip(names, said, strict=True)) | _recorded(each) for said, each in dict.fromkeys(found)]
    frame = without_empty(pd.DataFrame(records))
    columns = text_columns(frame) | {name: Column(column_name(name), digits=digits) for name, digits in DIGITS.items()}
    return Table("cost", "Cost of methods", frame, NOTES, columns=columns)


def sampled_in(folders: Sequence[Path]) -> list[tuple[Path, SampleOptions]]:
    """Those of `folders` that have samples, with what made them."""
    return [(folder, SampleFolder(folder).options()) for folder in folders if SampleFolder(folder).exists]


def cost_of(line: Line, sampled: Sequence[tuple[Path, SampleOptions]]) -> Cost:
    """What is recorded of a line's samples: in the folder that they were in, or in one with samples of the same."""
    row = line.first
    same = [folder for folder, options in sampled if _is_of(row, options)]
    there = sorted(same, key=lambda folder: str(folder.resolve()) != row.folder)
    found = [cost for cost in map(read_cost, there) if cost != Cost()]
    return found[0] if found else Cost()


def _is_of(row: ResultRow, options: SampleOptions) -> bool:
    height, width = options.image_size
    made = options.dataset, options.split, f"{width}x{height}", options.weights_sha256, options.variant_title
    sampled = options.solver_title, options.solver_steps, options.guidance
    measured = row.dataset, row.split, row.image_size, row.weights_sha256, row.variant
    return (*made, *sampled) == (*measured, row.solver, row.steps, row.guidance)


def _recorded(found: Cost) -> dict[str, object]:
    nothing = float("nan")
    return {
        PARAMETERS: nothing if found.parameters is None else found.parameters / 1e6,
        EVALUATIONS: " + ".join(str(each) for each in (found.evaluations, found.segmenter_evaluations) if each),
        FLOP: nothing if found.flop is None else found.flop / 1e9,
        SECONDS: "; ".join(f"{seconds:.3g} ({device})" for device, seconds in found.seconds.items()),
        HOURS: nothing if found.training_seconds is None else found.training_seconds / 3600,
    }
