"""What shells complete besides commands and options: names that the program knows, looked up when asked for."""

from collections.abc import Callable, Iterable

import click

# What a parameter's names are begun with -> those that go on.
Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _of(names: Callable[[], Iterable[str]]) -> Complete:
    def complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        return [name for name in names() if name.startswith(begun)]

    return complete


def _methods() -> Iterable[str]:
    from sdm_bench.models.methods import METHODS

    return METHODS


def _datasets() -> Iterable[str]:
    from sdm_bench.datasets.known_datasets import DATASETS

    return DATASETS


def _protocols() -> Iterable[str]:
    from sdm_bench.protocols.protocols import protocol_names

    return protocol_names()


def _metrics() -> Iterable[str]:
    from sdm_bench.evaluation.metric import metric_names

    return metric_names()


def _suites() -> Iterable[str]:
    from sdm_bench.suites.suite import shipped_suites

    return shipped_suites()


def _weights() -> Iterable[str]:
    from sdm_bench.weights.registry import registry

    return registry()


methods, datasets, protocols = _of(_methods), _of(_datasets), _of(_protocols)
metrics, suites, weights = _of(_metrics), _of(_suites), _of(_weights)
