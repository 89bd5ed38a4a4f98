"""Semantic image synthesis, trained, sampled and measured under named protocols."""

__version__ = "0.1.0"
