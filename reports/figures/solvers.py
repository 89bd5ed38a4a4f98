"""FID, mIoU and LPIPS against evaluations of the network, which are what a sample costs."""

from reports.figures.curves import METRICS, draw_curves
from reports.figures.drawing import Drawing
from reports.figures.groups import along, comparable
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.figures.style import logarithmic
from reports.lines import Line

ALT = "Curves of FID, mIoU and LPIPS against the cost of a sample, a curve for each solver"


def solvers(material: Material) -> list[Drawing]:
    """A figure for all that may be compared; a curve for lines that differ in their number of steps alone.

    Raises NothingToDraw where nothing was measured at two numbers of steps.
    """
    drawn = []
    for group in comparable("solvers", material, METRICS):
        found = along(group, "steps")
        if found:
            across = "network evaluations a sample", evaluations
            made = draw_curves(group, material, found, across, ("steps", "solver", "sample set", "folder"), ALT)
            for each in made.figure.axes:
                logarithmic(each, sorted({evaluations(line) for curve in found for line in curve}))
            drawn.append(made)
    if not drawn:
        raise NothingToDraw(
            "figure solvers: nothing measured at two numbers of steps; `sdm-bench generate --solver-steps`"
        )
    return drawn


def evaluations(line: Line) -> float:
    """Passes through the network for a sample: one a step, two where it is guided by its null label."""
    return float((line.first.steps or 0) * (2 if line.first.guided and not line.first.by_segmenter else 1))
