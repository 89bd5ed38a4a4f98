"""What protocols say, and in what two of them differ."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from sdm_bench.protocols.catalog import Protocol, protocol, protocol_names
from sdm_bench.protocols.sections import METRICS

NOTHING = "nothing"


class Difference(NamedTuple):
    """A field of a metric that two protocols state differently, on `datasets`. Values are as YAML spells them."""

    metric: str
    field: str
    first: str
    second: str
    datasets: tuple[str, ...]


def describe_all() -> str:
    """A paragraph a protocol: its name and summary, and which datasets it covers; ? marks those it can't measure."""
    return "\n".join(_described(protocol(name)) for name in protocol_names())


def _described(found: Protocol) -> str:
    lines = [f"{found.name}: {found.summary.strip()}"]
    for metric in METRICS:
        sections = getattr(found, metric)
        names = [f"{dataset}{'?' if section.unknown else ''}" for dataset, section in sections.items()]
        lines.append(f"  {metric}: {', '.join(names) or NOTHING}")
    return "\n".join(lines)


def show(name: str) -> str:
    """Everything a protocol says, as YAML, spelt out for every dataset."""
    about = protocol(name).model_dump(mode="json")
    for metric in METRICS:
        about[metric] = {dataset: section.stated() for dataset, section in getattr(protocol(name), metric).items()}
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=120).strip()


def differences(first: str, second: str) -> list[Difference]:
    """The fields in which two protocols differ, datasets with the same difference together."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for metric in METRICS:
        for dataset, field, one, other in _differing(metric, protocol(first), protocol(second)):
            grouped.setdefault((metric, field, one, other), []).append(dataset)
    return [Difference(*key, tuple(datasets)) for key, datasets in grouped.items()]


def _differing(metric: str, first: Protocol, second: Protocol) -> Iterator[tuple[str, str, str, str]]:
    sections = [getattr(each, metric) for each in (first, second)]
    for dataset in dict.fromkeys([*sections[0], *sections[1]]):
        if dataset not in sections[0] or dataset not in sections[1]:
            yield dataset, "covered", *("yes" if dataset in each else "no" for each in sections)
            continue
        fields = [each[dataset].model_dump(mode="json") for each in sections]
        for name in fields[0]:
            one, other = (_spelt(each[name]) for each in fields)
            if one != other:
                yield dataset, name, one, other


def _spelt(value: Any) -> str:
    """A value on one line; what is not stated reads as nothing."""
    if value is None or value == {}:
        return NOTHING
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()
