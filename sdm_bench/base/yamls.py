"""YAML as it was meant: a name that stands twice is refused, and whole numbers are decimal, as YAML 1.2 has them."""

import re
from typing import Any

import yaml

INT, MERGE = "tag:yaml.org,2002:int", "tag:yaml.org,2002:merge"


class Reader(yaml.SafeLoader):
    """PyYAML's safe loader keeps the last of several values of one name, and reads 010 as 8 and 1:30 as 90."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As PyYAML does; raises yaml.YAMLError for a name that stands twice."""
        seen: set[str] = set()
        # before super() merges what `<<` names: what is merged may be said anew
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag != MERGE and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.YAMLError(f"line {key.start_mark.line + 1}: '{key.value}' is there twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _whole_number(reader: Reader, node: yaml.ScalarNode) -> int:
    text = str(reader.construct_scalar(node)).replace("_", "")
    return int(text, 16 if "x" in text else 8 if "o" in text else 10)


Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != INT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Reader.add_implicit_resolver(INT, re.compile(r"^(?:[-+]?[0-9][0-9_]*|0x[0-9a-fA-F]+|0o[0-7]+)$"), list("-+0123456789"))
Reader.add_constructor(INT, _whole_number)


def load(text: str) -> Any:
    """The value of a YAML document; raises yaml.YAMLError."""
    return yaml.load(text, Reader)  # a safe loader
