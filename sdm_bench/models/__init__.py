"""One file an architecture, from the terms of its paper."""
