"""Published weights: where they are, what they are for, fetched and checked."""
