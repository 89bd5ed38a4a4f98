"""FID, mIoU and LPIPS against what a sample costs: evaluations of the network, and seconds where they were recorded."""

from collections import Counter
from collections.abc import Sequence
from math import nan

from reports.cost import cost_of, sampled_in
from reports.figures.curves import METRICS, Across, draw_curves
from reports.figures.drawing import Drawing
from reports.figures.groups import Group, along, comparable, headings
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.lines import Line
from sdm_bench.base.progress import say

ALT = "Curves of FID, mIoU and LPIPS against the cost of a sample, a curve for each solver"
APART = ("steps", "solver", "sample set", "folder")


def solvers(material: Material) -> list[Drawing]:
    """A figure for all that may be compared; a curve for lines that differ in their number of steps alone.

    Raises NothingToDraw where nothing was measured at two numbers of steps.
    """
    drawn = []
    for group in comparable("solvers", material, METRICS):
        found = along(group, "steps")
        if found:
            axes = [Across("evaluations", "network evaluations a sample", evaluations, logarithmic=True)]
            axes += seconds(group, found, material)
            drawn.append(draw_curves(group, material, found, axes, APART, ALT))
    if not drawn:
        raise NothingToDraw(
            "figure solvers: nothing measured at two numbers of steps; `sdm-bench generate --solver-steps`"
        )
    return drawn


def evaluations(line: Line) -> float:
    """Passes through the network for a sample: one a step, two where it is guided by its null label."""
    return float((line.first.steps or 0) * (2 if line.first.guided and not line.first.by_segmenter else 1))


def seconds(group: Group, found: Sequence[Sequence[Line]], material: Material) -> list[Across]:
    """The axis of seconds on the device, in batches of the size, of which most are recorded; none below two.

    Seconds of different devices or batches don't stand on one axis; a line names what was not timed so.
    """
    lines = [line for curve in found for line in curve]
    sampled = sampled_in(material.folders)
    recorded = {id(line): cost_of(line, sampled).seconds for line in lines}
    counts = Counter(how for each in recorded.values() for how in each)
    if not counts or max(counts.values()) < 2:
        return []
    how = max(counts, key=lambda each: (counts[each], each))
    for name, line in zip(headings(lines), lines, strict=True):
        if how not in recorded[id(line)]:
            say(f"{group.name}: {name} not on the axis of seconds: no time recorded on {how}")
    return [Across("seconds", f"seconds a sample ({how})", lambda line: recorded[id(line)].get(how, nan), True)]
