"""Numeric comparisons with the reference implementations: cases in, largest error against tolerance out."""
