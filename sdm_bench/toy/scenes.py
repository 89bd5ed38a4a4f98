"""From a key to a scene: the picture, the label map and the instance map as the dataset's files hold them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sdm_bench.base.errors import unknown_name
from sdm_bench.toy import faces, places, street, things
from sdm_bench.toy.canvas import Canvas
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.ids import LAST_THING, Street
from sdm_bench.toy.paint import Light, photograph


@dataclass(frozen=True)
class ToyScene:
    """One scene of height H and width W.

    image: uint8 (H, W, 3) RGB. label: uint8 (H, W), official ids as files hold them. instance: official ids, uint16
    (H, W) for Cityscapes and uint8 (H, W) for COCO-Stuff, or None where the dataset has no instance maps.
    """

    image: np.ndarray
    label: np.ndarray
    instance: np.ndarray | None


@dataclass(frozen=True)
class Scenery:
    """How the scenes of a dataset are painted: the frame's width over its height, the painter, the instance ids.

    instances: label uint8 (H, W) and objects uint16 (H, W), 0 where there is none, to the file's values.
    """

    aspect: float
    paint: Callable[[Canvas], Light]
    instances: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


def _cityscapes_instances(label: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """uint16: 1000 times the label plus 0, 1, 2, ... in each class of objects, the label alone elsewhere."""
    instance = label.astype(np.uint16)
    for value in np.unique(label[(label >= Street.PERSON) & (objects > 0)]):
        inside = label == value
        instance[inside] = int(value) * 1000 + np.unique(objects[inside], return_inverse=True)[1]
    return instance


def _coco_instances(label: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """uint8, as SPADE's: the label on stuff, the objects numbered 0, 1, 2, ... over it."""
    instance, inside = label.copy(), (label <= LAST_THING) & (objects > 0)
    instance[inside] = np.unique(objects[inside], return_inverse=True)[1]
    return instance


SCENERY: dict[str, Scenery] = {
    "cityscapes": Scenery(street.ASPECT, street.paint, _cityscapes_instances),
    "ade20k": Scenery(places.ASPECT, places.paint),
    "celebamask_hq": Scenery(faces.ASPECT, faces.paint),
    "coco_stuff": Scenery(things.ASPECT, things.paint, _coco_instances),
}


def render(dataset: str, index: int, seed: int, size: tuple[int, int], appearance: int = 0) -> ToyScene:
    """Scene `index` of `dataset` at `size` (height, width), equal for equal arguments.

    The maps depend on (dataset, index, seed) alone, sampled at the pixels' centres; a size of another aspect squashes
    them. Each `appearance` paints the same maps in another light, with other colours, textures and noise. The numbers
    are integers >= 0. Raises UserError for a name that is no dataset with toy scenes.
    """
    if dataset not in SCENERY:
        raise unknown_name("toy dataset", dataset, SCENERY)
    scenery = SCENERY[dataset]
    canvas = Canvas(
        scenery.aspect, size, Dice(dataset, index, seed, "geometry"), Dice(dataset, index, seed, "look", appearance)
    )
    light = scenery.paint(canvas)
    label, objects = canvas.coarse(canvas.label), canvas.coarse(canvas.thing)
    instance = scenery.instances(label, objects) if scenery.instances else None
    return ToyScene(photograph(canvas, light), label, instance)
