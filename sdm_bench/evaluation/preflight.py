"""What an evaluation will need and is not there, said before any work starts."""

from collections.abc import Iterable, Sequence

from sdm_bench.progress import say
from sdm_bench.protocols.catalog import Protocol
from sdm_bench.weights.store import MissingWeights, missing


def say_missing_weights(cells: Iterable[tuple[str, Protocol]], dataset: str | None, segmenter: str | None) -> None:
    """One complete list of the weights that are not in the cache, with the lines that bring each.

    cells: metrics, each with a protocol. dataset: None where it isn't known yet; then only what all datasets need.
    """
    names = list(dict.fromkeys(name for metric, each in cells for name in _needed(metric, each, dataset, segmenter)))
    absent = missing(names)
    if absent:
        say(f"{MissingWeights(absent).message}\nWhat needs them will be left out.")


def _needed(metric: str, protocol: Protocol, dataset: str | None, segmenter: str | None) -> Sequence[str]:
    sections = getattr(protocol, metric)
    if dataset is None:
        every = [set(section.weights_names()) for section in sections.values()]
        return [] if metric == "miou" or not every else sorted(set.intersection(*every))
    return needed_weights(metric, protocol, dataset, segmenter)


def needed_weights(metric: str, protocol: Protocol, dataset: str, segmenter: str | None) -> list[str]:
    """Registry names of the weights that a metric needs; a segmenter published in several files is several."""
    sections = getattr(protocol, metric)
    if dataset not in sections or (metric == "miou" and segmenter is not None):
        return []
    names: list[str] = sections[dataset].weights_names()
    if metric != "miou":
        return names
    from segmenters.catalog import released_files

    return [file for name in names for file in released_files(name)]
