"""A page for each protocol, from its YAML, and the tables of in what related ones differ."""

import re

from sdm_bench.evaluation.metric import metric_names
from sdm_bench.evaluation.protocol_text import differences, show
from sdm_bench.protocols.protocols import DEFAULT, Protocol, protocol, protocol_names

INDEX = "protocols/index.md"
INTRODUCTION = """# Protocols

A protocol fixes everything that decides what a number means: which pictures are compared with which, at which size,
by which network, and how. Its name stands in every row and table. `{default}` is taken where none is named.

```sh
sdm-bench protocols list
sdm-bench protocols show sdm@1
sdm-bench protocols diff sdm@1 {default}
```

**?** marks what a source leaves open: there `evaluate` refuses and says what is not stated. A change of anything makes
a new version (`oasis@2`), so that rows of the old one stay what they are.

"""


def path_of(name: str) -> str:
    """The page of a protocol, below docs/."""
    return f"protocols/{name}.md"


def navigation() -> list[dict[str, str]]:
    """The entries of the navigation."""
    return [{"All protocols": INDEX}, *({name: path_of(name)} for name in protocol_names())]


def pages() -> dict[str, str]:
    """Every page's Markdown by its path."""
    found = {INDEX: INTRODUCTION.format(default=DEFAULT) + _overview()}
    return found | {path_of(name): _page(protocol(name)) for name in protocol_names()}


def related(name: str) -> list[str]:
    """What a protocol is compared with: the default, and other versions of it."""
    family = name.partition("@")[0]
    others = [each for each in protocol_names() if each.partition("@")[0] == family or each == DEFAULT]
    return [each for each in others if each != name]


def _overview() -> str:
    names = metric_names()
    lines = [f"| protocol | {' | '.join(f'`{name}`' for name in names)} |", f"| --- {'| --- ' * len(names)}|"]
    for found in map(protocol, protocol_names()):
        cells = [", ".join(_datasets(found, name)) for name in names]
        lines.append(f"| [{found.name}]({found.name}.md) | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _datasets(found: Protocol, metric: str) -> list[str]:
    return [f"{each}{'**?**' if found.unknown(metric, each) else ''}" for each in found.datasets(metric)]


def _page(found: Protocol) -> str:
    parts = [f"# {found.name}", found.summary.strip()]
    if found.sources:
        parts += ["Stated in:", "\n".join(f"- {_plain(source)}" for source in found.sources)]
    parts += _open_questions(found)
    for other in related(found.name):
        parts += [f"## Beside {other}", _table(found.name, other)]
    parts += ["## All of it", f"`sdm-bench protocols show {found.name}`:", f"```yaml\n{show(found.name)}\n```"]
    return "\n\n".join(parts) + "\n"


def _open_questions(found: Protocol) -> list[str]:
    lines = [
        f"- `{metric}` on {dataset}, {field}: {_plain(why)}"
        for metric in metric_names()
        for dataset in found.datasets(metric)
        for field, why in found.unknown(metric, dataset).items()
    ]
    return ["## What no source states", "These are refused.", "\n".join(lines)] if lines else []


def _table(first: str, second: str) -> str:
    lines = [f"| metric | field | {first} | [{second}]({second}.md) | on |", "| --- | --- | --- | --- | --- |"]
    for each in differences(first, second):
        cells = (each.metric, each.field, each.first, each.second, ", ".join(each.datasets))
        lines.append(f"| {' | '.join(map(_plain, cells))} |")
    return "\n".join(lines) if len(lines) > 2 else "They state the same."


def _plain(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))
