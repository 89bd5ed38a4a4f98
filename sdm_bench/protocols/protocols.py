"""The protocols by name: what each states of every metric on every dataset; never code.

A protocol is a YAML file. Under a metric's name stand `defaults`, and under `datasets` what each covered dataset
changes of them. What the fields mean is said by the metric's object in evaluation/.
"""

from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import Field

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.sections import Section, parsed

DEFAULT = "sdm-bench@1"
# What commands call every protocol that covers a metric on a dataset.
ALL = "all"
# The field that names what no source states.
UNKNOWN = "unknown"


class Protocol(Section):
    """Everything that decides what a number means. name: with its version, as in "sdm-bench@1".

    sources: where it is stated. weights: the digests (Entry.tensors_sha256) of the registry's weights that it measures
    with. metrics: by metric and dataset the fields it states; what is not there, it says nothing about. `unknown` among
    them holds what no source states, by field, each with what is known; with any, nothing is measured.
    """

    name: str
    summary: str
    sources: tuple[str, ...] = ()
    weights: dict[str, str] = Field(default_factory=dict)
    metrics: dict[str, dict[str, dict[str, Any]]]

    def datasets(self, metric: str) -> list[str]:
        """The datasets on which it says anything about a metric."""
        return list(self.metrics.get(metric, {}))

    def fields(self, metric: str, dataset: str) -> dict[str, Any]:
        """What it states of a metric on a dataset, without what is unknown."""
        return {name: value for name, value in self.metrics[metric][dataset].items() if name != UNKNOWN}

    def unknown(self, metric: str, dataset: str) -> dict[str, str]:
        """What no source states of a metric on a dataset, by field."""
        found: dict[str, str] = self.metrics[metric][dataset].get(UNKNOWN, {})
        return found

    def refuse_unstated(self, metric: str, dataset: str) -> None:
        """Raises UserError unless it says all that a metric on a dataset needs."""
        known = self.datasets(metric)
        if dataset not in known:
            listed = ", ".join(known) or "none"
            others = ", ".join(each.name for each in covering(metric, dataset))
            advice = f"; of others, --protocol {others}" if others else ""
            raise UserError(
                f"{self.name} says nothing about {metric} on {dataset}; it knows {metric} on: {listed}{advice}"
            )
        if self.unknown(metric, dataset):
            fields = "; ".join(f"{field}: {about}" for field, about in self.unknown(metric, dataset).items())
            raise UserError(f"{self.name}: {metric} on {dataset} can't be reconstructed. Not stated: {fields}")


def protocol_names() -> list[str]:
    """The names of the shipped protocols."""
    folder = resources.files("sdm_bench.protocols")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


@cache
def protocol(name: str) -> Protocol:
    """The protocol called `name`; raises UserError with the nearest known name."""
    if name not in protocol_names():
        raise unknown_name("protocol", name, protocol_names())
    file = resources.files("sdm_bench.protocols").joinpath(f"{name}.yaml")
    found = read_protocol(file.read_text(encoding="utf-8"), str(file))
    assert found.name == name
    return found


def read_protocol(text: str, source: str) -> Protocol:
    """The protocol in YAML; raises UserError that names `source` and what is wrong with it."""
    try:
        about = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{source}: not YAML: {error}") from error
    if not isinstance(about, dict):
        raise UserError(f"{source}: not a protocol: expected fields; found {type(about).__name__}")
    general = {name: value for name, value in about.items() if name in Protocol.model_fields}
    metrics = {name: _by_dataset(source, name, value) for name, value in about.items() if name not in general}
    return parsed(Protocol, {**general, "metrics": metrics}, f"{source}: not a protocol")


def _by_dataset(source: str, metric: str, section: Any) -> dict[str, dict[str, Any]]:
    """The fields that a metric has on each dataset: the defaults, and what the dataset changes of them."""
    if not isinstance(section, dict) or not {"datasets"} <= set(section) <= {"defaults", "datasets"}:
        raise UserError(f"{source}: {metric}: expected defaults and datasets; found {section!r}")
    defaults = _fields(section.get("defaults"), f"{source}: {metric}: defaults")
    datasets = _fields(section["datasets"], f"{source}: {metric}: datasets")
    found = {}
    for dataset, changes in datasets.items():
        where = f"{source}: {metric}: {dataset}"
        found[dataset] = {**defaults, **_fields(changes, where)}
        if UNKNOWN in found[dataset]:
            found[dataset][UNKNOWN] = _fields(found[dataset][UNKNOWN], f"{where}: {UNKNOWN}")
    return found


def _fields(value: Any, where: str) -> dict[str, Any]:
    """Names and values, none where nothing stands; raises UserError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise UserError(f"{where}: expected names with values; found {value!r}")
    return value


def covering(metric: str, dataset: str) -> list[Protocol]:
    """The shipped protocols that say something about a metric on a dataset, whether or not it is enough."""
    found = (protocol(name) for name in protocol_names())
    return [each for each in found if dataset in each.datasets(metric)]
