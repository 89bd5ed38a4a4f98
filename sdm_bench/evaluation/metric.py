"""What a metric is: the fields a protocol may set, its outputs, the weights it needs, and how it is measured."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import yaml

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.sections import Section, parsed
from sdm_bench.protocols.protocols import UNKNOWN, Protocol

if TYPE_CHECKING:
    from sdm_bench.evaluation.context import EvaluationContext
    from sdm_bench.results.per_image import PerImage
    from sdm_bench.results.rows import ResultRow
    from sdm_bench.results.sample_sets import SampleSet

Unit = Literal["", "fraction"]
FRACTION: Unit = "fraction"


class Output(NamedTuple):
    """One number of a metric, as rows name it and tables show it.

    title: a column's heading. digits: after the point. unit: `fraction` of what papers print in percent, else empty.
    highest: the largest possible value. main: whether tables of methods have a column for it; others stand in
    `companions`. per_class: one number a class.
    """

    name: str
    title: str
    direction: Literal["lower", "higher"]
    digits: int = 4
    unit: Unit = ""
    highest: float = float("inf")
    main: bool = False
    per_class: bool = False


class MetricResult(NamedTuple):
    """What a metric found: rows, and numbers of single pictures where it has them."""

    rows: "list[ResultRow]"
    per_image: "list[PerImage]"


class Metric(ABC):
    """A metric of `evaluate --metric`.

    summary: a line for help texts. section: what a protocol may state of it on a dataset. outputs: its numbers, the
    metric's own first. edits: whether it measures edits, which no other metric does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    edits: ClassVar[bool] = False
    section: ClassVar[type[Section]]
    outputs: ClassVar[tuple[Output, ...]]

    def stated(self, protocol: Protocol, dataset: str) -> Any:
        """What a protocol states of the metric on a dataset; raises UserError where that is not enough."""
        protocol.refuse_unstated(self.name, dataset)
        return self.parsed(protocol, dataset)

    def parsed(self, protocol: Protocol, dataset: str) -> Any:
        """The fields that a protocol has for a dataset, whether or not they are enough; raises UserError."""
        where = f"{protocol.name}: {self.name} on {dataset}"
        unknown = set(protocol.unknown(self.name, dataset)) - set(self.section.model_fields)
        if unknown:
            raise UserError(f"{where}: {UNKNOWN} names {', '.join(sorted(unknown))}, which are no fields of it")
        return parsed(self.section, protocol.fields(self.name, dataset), where)

    @abstractmethod
    def weights(self, section: Any, segmenter: str | None = None) -> list[str]:
        """Registry names of the weights that it needs. segmenter: what --segmenter names instead of the protocol's."""

    def refuse(self, section: Any, protocol: Protocol, statistics: bool) -> None:
        """Raises UserError where something has to be given for a protocol that was not, before anything is measured.

        statistics: whether --statistics was given.
        """
        return

    def refuse_segmenter(self, source: str | None) -> None:
        """Raises UserError where --segmenter names nothing, of a metric that takes one."""
        return

    def refuse_samples(self, section: Any, protocol: Protocol, samples: "SampleSet") -> None:
        """Raises UserError where the protocol measures other samples than these, before anything is measured."""
        # what it imports is slow, and help texts need this module
        from sdm_bench.evaluation.groups import grouped, groups

        if grouped(section):
            groups(section, protocol.name, samples)

    @abstractmethod
    def measure(self, context: "EvaluationContext") -> MetricResult:
        """The rows of a sample set under a protocol; raises UserError where they can't be computed."""

    def output(self, name: str) -> Output:
        """The output called `name`."""
        return next(each for each in self.outputs if each.name == name)


@cache
def _registry() -> dict[str, str]:
    text = resources.files("sdm_bench.evaluation").joinpath("metrics.yaml").read_text(encoding="utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def metric_names() -> list[str]:
    """The names of all metrics, without importing what they need."""
    return list(_registry())


@cache
def metric(name: str) -> Metric:
    """The metric called `name`; raises UserError with the nearest known name."""
    if name not in _registry():
        raise unknown_name("metric", name, _registry())
    module, _, kind = _registry()[name].partition(":")
    found: Metric = getattr(import_module(module), kind)()
    assert found.name == name
    return found


def all_outputs() -> dict[str, Output]:
    """The outputs of all metrics by name, in the order of tables."""
    return {output.name: output for name in metric_names() for output in metric(name).outputs}


def main_outputs() -> dict[str, Output]:
    """Those that tables of methods have columns for."""
    return {name: output for name, output in all_outputs().items() if output.main}


def statements(protocol: Protocol) -> Iterator[tuple[Metric, str, Any]]:
    """Everything a protocol states: metric, dataset and fields; raises UserError for a metric that there isn't."""
    for name in protocol.metrics:
        for dataset in protocol.datasets(name):
            yield metric(name), dataset, metric(name).parsed(protocol, dataset)


def needed_weights(protocol: Protocol, names: Sequence[str]) -> list[str]:
    """Registry names of the weights that a protocol's metrics called `names` need on any dataset, each once."""
    found = [
        weights for each, _, section in statements(protocol) if each.name in names for weights in each.weights(section)
    ]
    return list(dict.fromkeys(found))
