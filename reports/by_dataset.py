"""Tables as papers print them: methods as lines, datasets side by side, FID and LPIPS or mean IoU under each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from reports.cells import text_columns
from reports.lines import COLUMNS, WHEREVER_DIFFERENT, Line, place, telling_columns
from reports.metric_table import cells, chosen_lines, column_of, ids_of, present_in, without_empty
from reports.names import column_name, dataset_name
from reports.notes import caption_of, notes_of
from reports.published.beside import Beside, find_beside
from reports.ranks import contenders, rank_notes, ranked
from reports.table import Table, TableOptions
from sdm_bench.evaluation.metric import Output, all_outputs
from sdm_bench.results.rows import REAL, ResultRow

# What a line says of all datasets, and what else tells lines of one dataset apart before anything else does.
OF_A_LINE = ("protocol", "track", "method", "variant", "solver", "guidance")
FIRST_APART = ("images", "seeds")
# What pictures that stand in one column have in common.
OF_A_GROUP = ("dataset", "split", "image_size", "labels_sha256")
GROUP_TITLES = {"split": "split", "image_size": "size", "labels_sha256": "labels"}
# A line of the table: what it says by column, in the order of OF_A_LINE and of what tells it apart.
Key = tuple[tuple[str, str], ...]


@dataclass
class Group:
    """The column group of a dataset. heading: its name, with what tells it from others of it."""

    heading: str
    lines: list[Line]
    present: dict[str, Output] = field(default_factory=dict)

    def column(self, output: Output) -> str:
        """The name of the column of a number."""
        return f"{self.heading} {output.title}"


def table1(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """Methods by datasets: FID and LPIPS."""
    return _by_dataset("table1", "Quality and diversity of methods", rows, ("fid", "lpips"), options)


def table3(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """Methods by datasets: mean IoU, the photographs' own as the last line."""
    metrics = ("miou", "accuracy") if options.accuracy else ("miou",)
    return _by_dataset("table3", "Semantic consistency of methods", rows, metrics, options)


def _by_dataset(
    name: str, title: str, rows: Sequence[ResultRow], metrics: Sequence[str], options: TableOptions
) -> Table:
    outputs = {key: all_outputs()[key] for key in metrics}
    lines, remarks = chosen_lines(name, rows, outputs, options)
    groups = _groups(lines, outputs)
    placed = _placed(groups)
    beside = find_beside([(each.heading, each.lines) for each in groups], outputs) if options.beside else Beside()
    order = [*placed, *({_unmeasured(*key): {} for key in beside.unmeasured(lines)})]
    heading = list(dict.fromkeys(name for key in order for name, _ in key))
    records, ids, found = [], [], []
    for number, key in enumerate(order):
        said = dict(key)
        record: dict[str, object] = {name: said.get(name, "") for name in heading}
        kept: dict[str, str] = {}
        for group in groups:
            line = placed.get(key, {}).get(group.heading)
            places = {each: group.column(output) for each, output in group.present.items()}
            for each, column in places.items():
                record |= cells(column, line.rows.get(each) if line else None)
                record |= beside.cells(group.heading, each, column, key, line)
            if line is not None:
                kept |= ids_of(line, places)
                found += contenders(number, line, group.present, places)
        records.append(record)
        ids.append(kept)
    marks = ranked(found)
    frame = without_empty(pd.DataFrame(records))
    frame, common = _without_common(frame, [name for name in heading if name in frame], len(placed))
    columns = text_columns(heading)
    for group in groups:
        for each, output in group.present.items():
            columns[group.column(output)] = column_of(output, group.heading)
            columns |= beside.columns(group.heading, each, group.column(output), output)
    notes = [*notes_of(lines, outputs), *rank_notes(lines, outputs, marks), *beside.notes]
    caption = " ".join(filter(None, [f"All: {', '.join(common)}." if common else "", caption_of(lines)]))
    blocks = [] if len(order) == len(placed) else [len(placed)]
    return Table(name, title, frame, notes, remarks, columns, caption, ids, marks, blocks)


def _unmeasured(method: str, variant: str) -> Key:
    """The line of a method of which there are published numbers alone."""
    return (("method", method), *((("variant", variant),) if variant else ()))


def _groups(lines: Sequence[Line], outputs: Mapping[str, Output]) -> list[Group]:
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        found.setdefault(tuple(getattr(line.first, name) for name in OF_A_GROUP), []).append(line)
    groups = []
    for identity, of in found.items():
        others = [each for each in found if each[0] == identity[0]]
        telling = [
            COLUMNS[GROUP_TITLES[name]](of[0])
            for number, name in enumerate(OF_A_GROUP)
            if name in GROUP_TITLES and len({each[number] for each in others}) > 1
        ]
        groups.append(Group(" ".join([dataset_name(identity[0]), *telling]), of, present_in(of, outputs)))
    return groups


def _placed(groups: Sequence[Group]) -> dict[Key, dict[str, Line]]:
    """The lines of the table in their order: what each says, and the line of results of each column group.

    No two lines of results share a place: what tells those of one dataset apart is said by the table's line.
    """
    placed: dict[Key, dict[str, Line]] = {}
    found = [(line, group) for group in groups for line in group.lines]
    for line, group in sorted(found, key=lambda each: _order(each[0])):
        key = tuple((name, line.field(name)) for name in (*OF_A_LINE, *_apart(line, group.lines)))
        while group.heading in placed.get(key, {}):
            key = (*key, ("sample set", line.field("sample set")))
        placed.setdefault(key, {})[group.heading] = line
    return placed


def _order(line: Line) -> tuple:
    row = line.first
    made = row.variant, row.guidance or 0.0, row.solver, row.steps or 0
    return row.method == REAL, row.protocol, row.track, place(row.method), row.method, *made


def _apart(line: Line, lines: Sequence[Line]) -> list[str]:
    """The columns without which a line would look as others of its dataset do, and those that no line may hide."""
    shown = [COLUMNS[name] for name in OF_A_LINE]
    alike = [each for each in lines if all(says(each) == says(line) for says in shown)]
    chosen = [name for name in FIRST_APART if len({each.told(name) for each in alike}) > 1]
    telling = telling_columns(alike, [*shown, *(COLUMNS[name] for name in chosen)])
    of_all = [name for name in WHEREVER_DIFFERENT if name in telling_columns(lines) and name not in telling]
    return [*chosen, *of_all, *telling]


def _without_common(frame: pd.DataFrame, names: Sequence[str], measured: int) -> tuple[pd.DataFrame, list[str]]:
    """The table without columns in which all lines say the same, as far as they say anything; and what that is.

    A column stays without which two lines would say the same. measured: the number of lines with results, which those
    of published numbers alone follow.
    """
    common = []
    for name in names:
        said = set(frame[name].iloc[:measured]) - {""}
        rest = [each for each in names if each != name and each in frame]
        if name == "method" or len(said) > 1 or frame[rest].duplicated().any():
            continue
        frame = frame.drop(columns=name)
        common += [f"{column_name(name)} {said.pop()}"] if said else []
    return frame, common
