"""Everything that decides what a number means, one YAML file a protocol."""
