"""What protocols say, and in what two of them differ, as text."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from sdm_bench.evaluation.metric import metric, metric_names
from sdm_bench.protocols.protocols import UNKNOWN, Protocol, protocol, protocol_names

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
    for name in metric_names():
        covered = [f"{dataset}{'?' if found.unknown(name, dataset) else ''}" for dataset in found.datasets(name)]
        lines.append(f"  {name}: {', '.join(covered) or NOTHING}")
    return "\n".join(lines)


def show(name: str) -> str:
    """Everything a protocol says, as YAML, spelt out for every dataset."""
    found = protocol(name)
    about = found.model_dump(mode="json", exclude={"metrics"})
    for each in metric_names():
        about[each] = {dataset: _stated(found, each, dataset) for dataset in found.datasets(each)}
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=120).strip()


def _stated(found: Protocol, name: str, dataset: str) -> dict[str, Any]:
    """All fields, those that it leaves at their defaults too, and what is unknown where anything is."""
    fields = metric(name).parsed(found, dataset).model_dump(mode="json")
    unknown = found.unknown(name, dataset)
    return {UNKNOWN: unknown, **fields} if unknown else fields


def differences(first: str, second: str) -> list[Difference]:
    """The fields in which two protocols differ, datasets with the same difference together."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for name in metric_names():
        for dataset, field, one, other in _differing(name, protocol(first), protocol(second)):
            grouped.setdefault((name, field, one, other), []).append(dataset)
    return [Difference(*key, tuple(datasets)) for key, datasets in grouped.items()]


def _differing(name: str, first: Protocol, second: Protocol) -> Iterator[tuple[str, str, str, str]]:
    covered = [each.datasets(name) for each in (first, second)]
    for dataset in dict.fromkeys([*covered[0], *covered[1]]):
        if not all(dataset in each for each in covered):
            one, other = ("yes" if dataset in each else "no" for each in covered)
            yield dataset, "covered", one, other
            continue
        fields = [_stated(each, name, dataset) for each in (first, second)]
        for field in dict.fromkeys([*fields[0], *fields[1]]):
            one, other = (_spelt(each.get(field)) for each in fields)
            if one != other:
                yield dataset, field, one, other


def _spelt(value: Any) -> str:
    """A value on one line; what is not stated reads as nothing."""
    if value is None or value == {}:
        return NOTHING
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()
