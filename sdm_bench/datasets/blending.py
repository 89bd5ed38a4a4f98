"""Label maps that were resized or saved like photographs: ids between those of both sides stand at the borders."""

from collections.abc import Iterable

import numpy as np

# The largest share of whole label maps. Of those of all datasets and of toy scenes, as they are or a quarter as large
# by the nearest value, 0.05 of the borders have such ids at most; after blending 0.16 to 0.54, after a JPEG of quality
# 95 0.19 to 0.23.
LARGEST_SHARE = 0.12
# Fewer borders can have any share by chance.
FEWEST = 500


def borders(values: np.ndarray) -> tuple[int, int]:
    """How many pixels of an integer map (H, W) have two other values at their sides, and how many hold one between.

    The sides are left and right, and above and below.
    """
    every = between = 0
    for plane in (values, values.T):
        one, middle, other = plane[:, :-2], plane[:, 1:-1], plane[:, 2:]
        every += int((one != other).sum())
        between += int((((one < middle) & (middle < other)) | ((one > middle) & (middle > other))).sum())
    return every, between


def blended(counts: Iterable[tuple[int, int]]) -> str:
    """What is to be said of label maps with `borders`; empty where they are as label maps are."""
    every, between = np.sum([(0, 0), *counts], axis=0).tolist()
    if every < FEWEST or between <= LARGEST_SHARE * every:
        return ""
    share = f"at {between / every:.0%} of their borders stands an id between those of both sides"
    return f"are these label maps resized with blending, or out of a JPEG? {share}; expected the nearest value"
