"""Sample sets and protocols in, result rows out; one object a metric."""
