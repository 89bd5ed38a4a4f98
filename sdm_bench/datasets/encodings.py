"""Ways to store label maps that are not the official one: how they are recognised, and how they are converted.

COCO-Stuff: nightrome/cocostuff, labels.txt; open-mmlab/mmsegmentation, tools/dataset_converters/coco_stuff164k.py.
Cityscapes: mcordts/cityscapesScripts, helpers/labels.py. Full ADE20K: CSAILVision/ADE20K, utils/utils_ade20k.py.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdm_bench.datasets.maps import channels_equal, packed, unpacked

# Ids that occur in no official label map of COCO-Stuff.
COCO_STUFF_NEVER = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
COCO_STUFF_IDS = tuple(index for index in range(182) if index not in COCO_STUFF_NEVER)
UNLABELED = 255
# Cityscapes' labelIds of trainIds 0..18.
TRAIN_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
# Files that MMSegmentation and others write beside the official ones.
TRAIN_IDS_ENDING = "_labelTrainIds"
# So many values tell an encoding; fewer can be chance.
ENOUGH = 3
# So many official values of COCO-Stuff have one above 170 among them: they are walls, water and windows.
MANY = 10
NO_COLORS = np.zeros((0, 3), np.uint8)
# What one, two and four bits are multiplied by to fill 0..255.
SPREADS = (255, 85, 17)

Convert = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Encoding:
    """A way to store labels. name: for --encoding. title: what it is.

    convert: file values, integers (H, W) or colours (H, W, 3), to official file values uint8 (H, W), or None where that
    can't be. advice: what is lost, or what to do instead.
    """

    name: str
    title: str
    convert: Convert | None
    advice: str = ""


def recognised(kind: str, values: Collection[int], known: Collection[int], colors: np.ndarray) -> list[Encoding]:
    """The encodings that file `values` of label maps are in, where they are not official ones; none where they are.

    kind: of the dataset. known: its official file values. colors: uint8 (num_classes, 3), of the file values in order.
    Of several each is possible.
    """
    values = frozenset(values)
    named = _OF_KIND[kind](values) if kind in _OF_KIND else []
    return named or _spread(values, frozenset(known)) or _greys(values, known, colors)


def doubtful(kind: str, values: Collection[int]) -> Encoding | None:
    """An encoding that file `values` of many label maps may be in as well, or None: nothing official contradicts it."""
    few = len(values) < MANY or not set(values) <= {*range(len(COCO_STUFF_IDS)), UNLABELED}
    return (
        COCO_STUFF_171 if kind == "coco_stuff" and not few and not recognised(kind, values, values, NO_COLORS) else None
    )


def recognised_colors(kind: str, pixels: np.ndarray, known: Sequence[int], colors: np.ndarray) -> Encoding | None:
    """What a label map of colours uint8 (H, W, 3) is, or None; arguments as of `recognised`."""
    if channels_equal(pixels):
        return EQUAL_CHANNELS
    if np.isin(np.unique(packed(pixels)), packed(colors)).all():
        return of_colors(known, colors)
    red = pixels[..., 0]
    full = kind == "ade20k" and (red % 10 == 0).all() and int(red.max()) <= FULL_ADE20K_RED
    return FULL_ADE20K if full else None


def by_name(kind: str, known: Sequence[int], colors: np.ndarray) -> dict[str, Encoding]:
    """The encodings that a dataset can be converted from when asked for by name."""
    found = [*_NAMED.get(kind, ()), EQUAL_CHANNELS, of_colors(known, colors), of_greys(known, colors)]
    found += [spread_by(factor) for factor in SPREADS]
    return {each.name: each for each in found}


def from_values(table: Mapping[int, int]) -> Convert:
    """A conversion of file values by a table, which has all that occur."""

    def convert(values: np.ndarray) -> np.ndarray:
        lut = np.full(65536, -1, np.int64)
        lut[list(table)] = list(table.values())
        official = lut[values]
        if (official < 0).any():
            raise ValueError(f"{int(values[official < 0][0])} is no value of that encoding")
        return official.astype(np.uint8 if official.max(initial=0) < 256 else np.uint16)

    return convert


def of_colors(known: Sequence[int], colors: np.ndarray) -> Encoding:
    """The classes' colours instead of ids; a colour that several classes have can't be converted."""
    numbers = packed(colors)

    def convert(pixels: np.ndarray) -> np.ndarray:
        found = packed(pixels)
        official = np.zeros(found.shape, np.uint16)
        for number in np.unique(found):
            classes = np.flatnonzero(numbers == number)
            if len(classes) != 1:
                has = "no class has" if not len(classes) else f"{len(classes)} classes have"
                raise ValueError(f"{has} the colour {unpacked(int(number))}")
            official[found == number] = known[classes[0]]
        return official if official.max(initial=0) > UNLABELED else official.astype(np.uint8)

    return Encoding("colors", "the classes' colours instead of ids", convert)


def of_greys(known: Sequence[int], colors: np.ndarray) -> Encoding:
    """The classes' colours as grey, which Pillow's convert("L") makes of a palette."""
    return Encoding(
        "greys", "greys of the classes' colours: a palette that was turned into grey", _grey_table(known, colors)
    )


def _grey_table(known: Sequence[int], colors: np.ndarray) -> Convert:
    greys = _grey(colors)
    single = {int(grey): int(value) for grey, value in zip(greys, known, strict=False) if (greys == grey).sum() == 1}
    return from_values(single)


def _grey(colors: np.ndarray) -> np.ndarray:
    """int64 (num_classes,): Pillow's grey of colours."""
    return (colors.astype(np.int64) @ np.array([19595, 38470, 7471]) + 0x8000) >> 16


def _greys(values: frozenset[int], known: Collection[int], colors: np.ndarray) -> list[Encoding]:
    grey = values <= set(_grey(colors).tolist()) and not values <= set(known)
    return [of_greys(list(known), colors)] if grey and len(values) >= ENOUGH else []


def spread_by(factor: int) -> Encoding:
    """Ids times a factor."""
    bits = {
        255: ", one bit spread over 0..255",
        85: ", two bits spread over 0..255",
        17: ", four bits spread over 0..255",
    }
    title = f"ids times {factor}{bits.get(factor, '')}"
    return Encoding(
        f"times-{factor}", title, from_values({index * factor: index for index in range(65535 // factor + 1)})
    )


def _spread(values: frozenset[int], known: frozenset[int]) -> list[Encoding]:
    there = sorted(values - {0})
    factor = math.gcd(*there) if there else 1
    outside = not values <= known
    bits = next((each for each in SPREADS if factor % each == 0), None)
    told = len(there) >= ENOUGH or (outside and (len(there) > 1 or bits == factor))
    if factor > 1 and told and (outside or bits) and {value // (bits or factor) for value in values} <= known:
        return [spread_by(bits or factor)]
    return _rounded(values, known) if outside and len(there) >= ENOUGH else []


def _rounded(values: frozenset[int], known: frozenset[int]) -> list[Encoding]:
    """Ids 0..n spread over 0..255 with rounding, as pictures of label maps are."""
    last = max((value for value in known if value != UNLABELED), default=0)
    for rounding in (round, math.floor) if last else ():
        spread = {rounding(index * 255 / last): index for index in range(last + 1)}
        if len(spread) == last + 1 and values <= set(spread):
            title = f"ids 0..{last} spread over 0..255"
            return [Encoding("spread", title, from_values(spread))]
    return []


def _cityscapes(values: frozenset[int]) -> list[Encoding]:
    return [CITYSCAPES_TRAIN_IDS] if len(values) >= ENOUGH and values <= {*range(19), UNLABELED} else []


def _coco_stuff(values: frozenset[int]) -> list[Encoding]:
    if not values & {*COCO_STUFF_NEVER, 182}:
        return []
    consecutive = values <= {*range(171), UNLABELED}
    default = UNLABELED not in values and not values & {index + 1 for index in COCO_STUFF_NEVER}
    return [COCO_STUFF_171] * consecutive + [COCO_STUFF_FROM_1] * (default and max(values) <= 182)


def _ade20k(values: frozenset[int]) -> list[Encoding]:
    return [ADE20K_REDUCED] if UNLABELED in values and values <= {*range(150), UNLABELED} else []


CITYSCAPES_TRAIN_IDS = Encoding(
    "trainids",
    "Cityscapes' trainIds 0..18 and 255 under the name of labelIds",
    from_values({**dict(enumerate(TRAIN_IDS)), UNLABELED: 0}),
    "255 becomes 0 (unlabeled), since it no longer says which ignored class it was",
)
COCO_STUFF_171 = Encoding(
    "171",
    "COCO-Stuff's 171 consecutive ids 0..170, as MMSegmentation's _labelTrainIds.png hold them",
    from_values({**dict(enumerate(COCO_STUFF_IDS)), UNLABELED: UNLABELED}),
)
COCO_STUFF_FROM_1 = Encoding(
    "1-182",
    "COCO-Stuff's ids as 1..182 with 0 for unlabeled",
    from_values({**{index + 1: index for index in range(182)}, 0: UNLABELED}),
)
ADE20K_REDUCED = Encoding(
    "reduced",
    "SceneParse150's ids less one, 0..149 and 255 for unknown",
    from_values({**{index: index + 1 for index in range(150)}, UNLABELED: 0}),
)
FULL_ADE20K_RED = 190
FULL_ADE20K = Encoding(
    "full",
    "the full ADE20K, whose red and green hold one of 3,000 classes",
    None,
    "its classes are others than the 150 of SceneParsing; take annotations/ of ADEChallengeData2016.zip",
)
EQUAL_CHANNELS = Encoding(
    "equal-channels", "ids three times, in equal red, green and blue", lambda pixels: pixels[..., 0]
)

_OF_KIND = {"cityscapes": _cityscapes, "coco_stuff": _coco_stuff, "ade20k": _ade20k}
_NAMED = {
    "cityscapes": (CITYSCAPES_TRAIN_IDS,),
    "coco_stuff": (COCO_STUFF_171, COCO_STUFF_FROM_1),
    "ade20k": (ADE20K_REDUCED,),
}
