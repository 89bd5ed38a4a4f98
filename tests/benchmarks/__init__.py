"""Timings, as ratios against a baseline in the same run; run by hand, never asserted."""
