"""The rows of a bundle by themselves: numbers of the metrics that they name, each once."""

from collections.abc import Iterator, Sequence

from reports.anonymous import rows_without_paths
from sdm_bench.evaluation.metric import metric, metric_names
from sdm_bench.results.rows import ResultRow


def wrong_rows(rows: Sequence[ResultRow]) -> Iterator[str]:
    """What is wrong with rows by themselves."""
    seen: set[tuple] = set()
    for row, bare in zip(rows, rows_without_paths(rows), strict=True):
        for name, value in row.model_dump().items():
            if isinstance(value, str) and not value.isprintable():
                yield f"{row.id}: {name}: control characters or line breaks in it"
        yield from (f"{row.id}: {text}" for text in _wrong_number(row))
        if row.key() in seen:
            yield f"{row.id}: a second row of the same measurement"
        if row != bare:
            yield f"{row.id}: a path of a machine in folder, extractor or note"
        seen.add(row.key())


def _wrong_number(row: ResultRow) -> Iterator[str]:
    """Where a row isn't a number of its metric."""
    if row.measure not in metric_names():  # named with the protocols
        return
    output = next((each for each in metric(row.measure).outputs if each.name == row.metric), None)
    if output is None:
        yield f"metric {row.metric}; {row.measure} has no such number"
        return
    if output.per_class != bool(row.class_name):
        yield f"class '{row.class_name}'; expected {'one' if output.per_class else 'none'} of {row.metric}"
    if (row.direction, row.unit) != (output.direction, output.unit):
        found, expected = f"{row.direction} '{row.unit}'", f"{output.direction} '{output.unit}'"
        yield f"direction and unit {found}; {row.metric} has {expected}"
    if row.value > output.highest:
        yield f"value {row.value}; {row.metric} is at most {output.highest:g}"
