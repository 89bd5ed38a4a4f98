"""A file a command: its options and one call into a room above."""
