"""One pure file a metric: features or maps in, a number out."""
