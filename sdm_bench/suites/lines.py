"""YAML with the line of everything in it, so that a mistake is named with its file and line."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text
from sdm_bench.base.yamls import Reader

# Aliases of YAML can spell out to any number of values, or hold themselves.
MOST_VALUES, DEEPEST = 20_000, 50
# The way to a value: names of mappings and numbers in lists.
Way = tuple[str | int, ...]


@dataclass
class Lined:
    """A value out of YAML, and the file and line in which each part of it stands."""

    value: Any
    places: dict[Way, tuple[str, int]] = field(default_factory=dict)

    def place(self, way: Way) -> str:
        """`file, line n` of what is at `way`, or of the nearest thing around it."""
        for length in range(len(way), -1, -1):
            if way[:length] in self.places:
                file, line = self.places[way[:length]]
                return f"{file}, line {line}"
        return "the suite"

    def over(self, base: "Lined") -> "Lined":
        """This one laid over `base`: mappings are merged, null takes a name away, anything else replaces."""
        merged = _merged(base.value, self.value)
        places = {way: place for way, place in base.places.items() if _is_at(merged, way)}
        return Lined(merged, places | {way: place for way, place in self.places.items() if _is_at(merged, way)})


def read_lined(path: Path) -> Lined:
    """The mapping in a YAML file; raises UserError for anything else, and for a name that is there twice."""
    text = read_text(path, "YAML")
    try:
        node = yaml.compose(text, Loader=Reader)
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{path}: not a suite; expected fields such as name, datasets and methods")
    found = Lined({}, {(): (str(path), 1)})
    found.value = _value(node, (), found.places, str(path))
    return found


def _value(node: yaml.Node, way: Way, places: dict[Way, tuple[str, int]], file: str) -> Any:
    places.setdefault(way, (file, node.start_mark.line + 1))
    if len(places) > MOST_VALUES or len(way) > DEEPEST:
        what = f"more than {MOST_VALUES} values" if len(places) > MOST_VALUES else f"nested more than {DEEPEST} deep"
        raise UserError(f"{file}, line {node.start_mark.line + 1}: {what}, aliases spelt out; expected a suite")
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = _scalar(key_node, file), key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise UserError(f"{file}, line {line}: {key!r}: expected a name")
            if key in made:
                raise UserError(f"{file}, line {line}: '{key}' is there twice")
            places[(*way, key)] = (file, line)
            made[key] = _value(value_node, (*way, key), places, file)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*way, number), places, file) for number, each in enumerate(node.value)]
    return _scalar(node, file)


def _scalar(node: yaml.Node, file: str) -> Any:
    loader = Reader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{file}, line {node.start_mark.line + 1}: {error}") from error


def _merged(base: Any, change: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    made = {name: value for name, value in base.items() if change.get(name, ...) is not None}
    for name, value in change.items():
        if value is not None:
            made[name] = _merged(base.get(name), value)
        elif name not in base:
            # nothing to take away: an empty entry, such as a method without options
            made[name] = None
    return made


def _is_at(value: Any, way: Way) -> bool:
    for step in way:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
