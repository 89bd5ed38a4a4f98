"""Options, one call into a room below, the exit code."""
