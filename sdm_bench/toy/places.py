"""Indoor and outdoor scenes with the ids of ADE20K."""

from sdm_bench.toy import interiors, outdoors
from sdm_bench.toy.canvas import Canvas
from sdm_bench.toy.paint import Light

ASPECT = 1.0
SCENES = (
    interiors.bedroom,
    interiors.living_room,
    interiors.kitchen,
    outdoors.lake,
    outdoors.beach,
    outdoors.country_house,
    outdoors.city,
)


def paint(canvas: Canvas) -> Light:
    """Paints a place; gives the light for the photograph."""
    return canvas.geometry.choice(SCENES)(canvas)
