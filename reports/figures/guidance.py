"""FID, mIoU and LPIPS against the guidance scale."""

from reports.figures.curves import METRICS, Across, draw_curves
from reports.figures.drawing import Drawing
from reports.figures.groups import along, comparable
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw

SCALE = Across("guidance", "guidance scale s", lambda line: float(line.first.guidance or 0))
ALT = "Curves of FID, mIoU and LPIPS against the guidance scale s, a curve for each way to sample"


def guidance(material: Material) -> list[Drawing]:
    """A figure for all that may be compared; a curve for lines that differ in their guidance scale alone.

    Raises NothingToDraw where nothing was measured at two scales.
    """
    drawn = []
    for group in comparable("guidance", material, METRICS):
        found = along(group, "guidance")
        if found:
            drawn.append(draw_curves(group, material, found, [SCALE], ("guidance", "sample set", "folder"), ALT))
    if not drawn:
        raise NothingToDraw("figure guidance: nothing measured at two guidance scales; `sdm-bench generate --guidance`")
    return drawn
