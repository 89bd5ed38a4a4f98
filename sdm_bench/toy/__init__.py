"""Toy scenes: procedural pictures with exact label maps, written in the official layouts with the official ids.

What is where depends on (dataset, index, seed) alone and is the same at any size; light, colours, textures and noise
depend on these and `appearance`, so that one label map has many pictures.
"""

from sdm_bench.toy.scenes import ToyScene, render
from sdm_bench.toy.write import write_toy

__all__ = ["ToyScene", "render", "write_toy"]
