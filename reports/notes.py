"""What stands below and above tables of result rows: captions and notes that say what the numbers mean."""

from collections.abc import Iterable, Mapping, Sequence

from reports.lines import SHORT_DIGEST, Line, telling_columns
from reports.names import column_name, dataset_name
from reports.table import TRACKS
from sdm_bench.evaluation.metric import Output
from sdm_bench.results.rows import REAL


def caption_of(lines: Sequence[Line]) -> str:
    """What the pictures and photographs behind the numbers are, a sentence a dataset, protocol, split and size."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        row = line.first
        groups.setdefault((row.dataset, row.split, row.protocol, row.image_size), []).append(line)
    sentences = []
    for (dataset, split, protocol, size), group in groups.items():
        made = [line for line in group if line.first.method != REAL] or group
        rows = [row for line in made for row in line.rows.values()]
        counts = dict.fromkeys(str(row.num_images) for row in rows)
        parts = [f"{' or '.join(counts)} pictures of {size} a seed"]
        seeds = dict.fromkeys(row.seeds for row in rows if row.seeds)
        parts += [f"seeds {' or '.join(seeds)}"] if seeds else []
        real = dict.fromkeys(
            f"{row.num_real} photographs ({row.reference_sha256[:SHORT_DIGEST]})" for row in rows if row.num_real
        )
        parts += [f"reference set: {' or '.join(real)}"] if real else []
        sentences.append(f"{dataset_name(dataset)} ({split}), {protocol}: {', '.join(parts)}.")
    return " ".join(sentences)


def notes_of(lines: Sequence[Line], outputs: Mapping[str, Output]) -> list[str]:
    """How each number was measured, by dataset and protocol; then what single lines have to say."""
    measured = dict.fromkeys(
        f"{column_name(output.title)} on {dataset_name(row.dataset)} ({row.split}), {row.protocol}: {row.extractor}"
        for key, output in outputs.items()
        if output.main
        for line in lines
        if (row := line.rows.get(key)) is not None
    )
    over_seeds = any(row.spread_over == "seeds" and not line.trainings for line in lines for row in line.rows.values())
    spread = ["±: standard deviation over seeds"] if over_seeds else []
    titles = _titles(lines)
    said: dict[tuple[str, str], list[str]] = {}
    for line, title in zip(lines, titles, strict=True):
        for note, of in _line_notes(line, outputs):
            said.setdefault((line.first.protocol, note), []).append(f"{title}{of}")
    remarks = [f"{protocol}: {'; '.join(dict.fromkeys(whose))}: {note}" for (protocol, note), whose in said.items()]
    averaged = dict.fromkeys(
        f"{title}: mean ± standard deviation over {len(line.trainings)} trainings "
        f"(seeds {', '.join(map(str, line.trainings))})"
        for line, title in zip(lines, titles, strict=True)
        if line.trainings
    )
    return [*measured, TRACKS, *spread, *averaged, *remarks]


def _titles(lines: Sequence[Line]) -> list[str]:
    """Who made the pictures of each line, with what tells it apart where another line is called so too."""
    apart = ["dataset", *telling_columns(lines)]
    titles = []
    for line in lines:
        alike = [each for each in lines if (each.title, each.first.protocol) == (line.title, line.first.protocol)]
        telling = [name for name in apart if len({each.told(name) for each in alike}) > 1 and line.field(name)]
        titles.append(", ".join([line.title, *(f"{name} {line.field(name)}" for name in telling)]))
    return titles


def _line_notes(line: Line, outputs: Mapping[str, Output]) -> Iterable[tuple[str, str]]:
    """Each note of a line, with the number it is of where it isn't of all."""
    rows = {key: row for key, row in line.rows.items() if key in outputs}
    parts: dict[str, list[str]] = {}
    for key, row in rows.items():
        for part in filter(None, row.note.split("; ")):
            parts.setdefault(part, []).append(column_name(outputs[key].title))
    for part, titles in parts.items():
        yield part, "" if len(titles) == len(rows) and len(titles) > 1 else f", {', '.join(titles)}"
