"""The protocols by name: validated, frozen, never code."""

from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import Field, ValidationError

from sdm_bench.errors import UserError, unknown_name
from sdm_bench.protocols.sections import METRICS, FIDProtocol, LPIPSProtocol, MetricSection, MIoUProtocol, Section

DEFAULT = "sdm-bench@1"
ALL = "all"
"""What commands call every protocol that covers a metric on a dataset."""


class Protocol(Section):
    """Everything that decides what a number means. name: with its version, as in "sdm-bench@1".

    sources: where it is stated. weights: the digests (Entry.tensors_sha256) of the registry's weights that it measures
    with. fid, lpips, miou: by dataset; what is not there, the protocol says nothing about.
    """

    name: str
    summary: str
    sources: tuple[str, ...] = ()
    weights: dict[str, str] = Field(default_factory=dict)
    fid: dict[str, FIDProtocol] = Field(default_factory=dict)
    lpips: dict[str, LPIPSProtocol] = Field(default_factory=dict)
    miou: dict[str, MIoUProtocol] = Field(default_factory=dict)

    @property
    def feature_weights(self) -> tuple[str, ...]:
        """Registry names of the weights behind FID and LPIPS."""
        sections: list[MetricSection] = [*self.fid.values(), *self.lpips.values()]
        return tuple(dict.fromkeys(name for each in sections for name in each.weights_names()))

    def fid_on(self, dataset: str) -> FIDProtocol:
        """What it says of FID on a dataset; raises UserError where that is nothing, or not enough to measure by."""
        self.stated("fid", dataset)
        return self.fid[dataset]

    def lpips_on(self, dataset: str) -> LPIPSProtocol:
        """The same of LPIPS diversity."""
        self.stated("lpips", dataset)
        return self.lpips[dataset]

    def miou_on(self, dataset: str) -> MIoUProtocol:
        """The same of mean IoU."""
        self.stated("miou", dataset)
        return self.miou[dataset]

    def stated(self, metric: str, dataset: str) -> None:
        """Raises UserError unless it says all that a metric on a dataset needs."""
        sections: dict[str, MetricSection] = getattr(self, metric)
        if dataset not in sections:
            known = ", ".join(sections) or "none"
            raise UserError(f"{self.name} says nothing about {metric} on {dataset}; it knows {metric} on: {known}")
        if sections[dataset].unknown:
            fields = "; ".join(f"{field}: {known}" for field, known in sections[dataset].unknown.items())
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
    """The protocol in YAML; raises UserError that names `source` and what is wrong with it.

    Under a metric stand `defaults`, and under `datasets` what each covered dataset changes of them.
    """
    about: dict[str, Any] = yaml.safe_load(text)
    for metric in METRICS:
        section = about.get(metric)
        if section is not None:
            defaults, datasets = section.get("defaults", {}), section["datasets"]
            about[metric] = {dataset: {**defaults, **(changes or {})} for dataset, changes in datasets.items()}
    try:
        return Protocol(**about)
    except ValidationError as error:
        where = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UserError(f"{source}: not a protocol: {'; '.join(where)}") from error


def covering(metric: str, dataset: str) -> list[Protocol]:
    """The shipped protocols that say something about a metric on a dataset, whether or not it is enough."""
    found = (protocol(name) for name in protocol_names())
    return [each for each in found if dataset in getattr(each, metric)]
