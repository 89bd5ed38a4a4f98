"""The papers' numbers, one YAML file a source, each number with where it is written and what it means."""
