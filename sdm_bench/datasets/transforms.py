"""How examples are resized, cropped and flipped, for training and evaluation, per recipe.

Recipe `sdm`: WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/image_datasets.py. Pictures are halved with
a box filter while their short side is at least twice the target, then resized bicubically. Evaluation squashes to the
target size; training takes a random crop after a short side drawn from 1 to 1.25 times the target, or after the size
that covers a target that is no square. Cityscapes keeps its aspect ratio and is never cropped.
Recipe `sdm-released`: the same, with instance ids above 255 read as 255, as the released code reads Cityscapes' 16-bit
maps: edges between touching things of one kind disappear. Checkpoints that were trained so need it.
Recipe `spade`: NVlabs/SPADE@fecacc9, data/base_dataset.py. Bicubic in one go; training crops from 286/256 of the target
(Cityscapes: no crop).
Recipe `oasis`: the same without any crop. boschresearch/OASIS@aeb875f means to crop from 286 (dataloaders/), but its
validation set is made second and sets the load size that both share to 256 (dataloaders.py, get_dataloaders).
Recipe `segmentation`: a random crop after a scale drawn from 1 to 2, and brightness, contrast and saturation drawn from
0.75 to 1.25, for Cityscapes too; evaluation as in `sdm`. The papers' segmenters are trained in ways of their own. In a
mirrored picture a left eye becomes a right one; other recipes keep its class, as the papers' generators are trained.
Label and instance maps are always resized from their original size to the nearest value.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageEnhance
from PIL.Image import Resampling

from sdm_bench.base.errors import unknown_name
from sdm_bench.datasets.base import Example, SemanticDataset

SPADE_LOAD_SCALE = 286 / 256
SEGMENTATION_SCALE = 2.0
COLOUR_RANGE = 0.25
RECIPES = ("sdm", "sdm-released", "spade", "oasis", "segmentation")
DEFAULT_RECIPE = "sdm"
EIGHT_BITS = 255


@dataclass(frozen=True)
class Transform:
    """Takes an example of any size to `size` = (height, width), as one recipe does in training or in evaluation.

    mirrored: ClassTable.mirrored, for training with the recipe `segmentation`.
    """

    recipe: str
    size: tuple[int, int]
    keeps_aspect: bool
    training: bool
    mirrored: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise unknown_name("recipe", self.recipe, RECIPES)

    def __call__(self, example: Example, rng: np.random.Generator | None = None) -> Example:
        """The example at `self.size`; training needs `rng`, which draws the crop and then the flip."""
        if self.recipe == "sdm-released":
            example = saturated_instances(example)
        if not self.training:
            return self._resize(example, self.size)
        assert rng is not None, "training transforms are random"
        whole = self.recipe == "oasis" or (self.keeps_aspect and self.recipe != "segmentation")
        cropped = self._resize(example, self.size) if whole else self._random_crop(example, rng)
        flipped = self._flip(cropped) if rng.random() < 0.5 else cropped
        return recoloured(flipped, rng) if self.recipe == "segmentation" else flipped

    def _flip(self, example: Example) -> Example:
        mirrored = flip(example)
        if self.recipe != "segmentation" or self.mirrored is None:
            return mirrored
        return replace(mirrored, label=self.mirrored[mirrored.label])

    def _resize(self, example: Example, size: tuple[int, int]) -> Example:
        halving_to = None if self.recipe in ("spade", "oasis") else min(size)
        return resize(example, size, halving_to)

    def _random_crop(self, example: Example, rng: np.random.Generator) -> Example:
        if self.recipe == "spade":
            larger = self._resize(example, spade_load_size(self.size))
        elif self.recipe == "segmentation":
            scale = rng.uniform(1, SEGMENTATION_SCALE)
            larger = self._resize(example, (round(self.size[0] * scale), round(self.size[1] * scale)))
        else:
            short = int(rng.integers(*short_side_range(min(self.size))))
            scale = short / min(self.size)
            larger = resize_to_cover(example, (round(self.size[0] * scale), round(self.size[1] * scale)))
        top, left = (
            int(rng.integers(have - want + 1)) for have, want in zip(larger.label.shape, self.size, strict=True)
        )
        return crop(larger, top, left, self.size)


class Resized(Sequence[Example]):
    """A dataset seen through an evaluation transform; an example is read when it is asked for."""

    def __init__(self, dataset: SemanticDataset, transform: Transform):
        assert not transform.training
        self.dataset = dataset
        self.transform = transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.transform(self.dataset[index])


def saturated_instances(example: Example) -> Example:
    """The example with instance ids above 255 as 255."""
    return example if example.instance is None else replace(example, instance=example.instance.clip(max=EIGHT_BITS))


def short_side_range(target: int) -> tuple[int, int]:
    """[low, high) of the short side a training crop of `target` pixels is taken from (SDM: crop fraction 0.8 to 1)."""
    return target, math.ceil(target / 0.8) + 1


def spade_load_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) that SPADE's training crops are taken from."""
    return round(size[0] * SPADE_LOAD_SCALE), round(size[1] * SPADE_LOAD_SCALE)


def resize(example: Example, size: tuple[int, int], halving_to: int | None = None) -> Example:
    """The example at exactly `size` = (height, width); aspect ratios are not kept."""
    image = None
    if example.image is not None:
        picture = halved(Image.fromarray(example.image), halving_to)
        image = np.asarray(picture.resize(size[::-1], Resampling.BICUBIC))
    return _with_maps(example, image, size)


def resize_short_side(example: Example, short: int) -> Example:
    """The example with its short side at `short` pixels, aspect ratio kept (SDM: resize_arr with keep_aspect)."""
    return resize_to_cover(example, (short, short))


def resize_to_cover(example: Example, size: tuple[int, int]) -> Example:
    """The example at the smallest size of its aspect ratio that covers `size` = (height, width)."""
    assert example.image is not None
    picture = halved(Image.fromarray(example.image), size)
    scale = max(size[0] / picture.height, size[1] / picture.width)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Resampling.BICUBIC)
    return _with_maps(example, np.asarray(picture), (picture.height, picture.width))


def center_crop(example: Example, target: int) -> Example:
    """The square of `target` pixels in the middle, after the short side is resized to it."""
    resized = resize_short_side(example, target)
    height, width = resized.label.shape
    return crop(resized, (height - target) // 2, (width - target) // 2, (target, target))


def crop(example: Example, top: int, left: int, size: tuple[int, int]) -> Example:
    """The window of `size` = (height, width) at (top, left)."""
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    return _map_arrays(example, lambda array: array[window])


def flip(example: Example) -> Example:
    """The example mirrored left to right."""
    return _map_arrays(example, lambda array: array[:, ::-1])


def recoloured(example: Example, rng: np.random.Generator) -> Example:
    """The example with its picture's brightness, contrast and saturation drawn anew."""
    if example.image is None:
        return example
    picture = Image.fromarray(example.image)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(1 - COLOUR_RANGE, 1 + COLOUR_RANGE))
    return replace(example, image=np.asarray(picture))


def halved(picture: Image.Image, target: int | tuple[int, int] | None) -> Image.Image:
    """The picture halved with a box filter as long as its sides are at least twice `target`; None: as it is.

    target: of the short side, or (height, width).
    """
    height, width = target if isinstance(target, tuple) else (target, target)
    while height and width and picture.height >= 2 * height and picture.width >= 2 * width:
        picture = picture.resize((picture.width // 2, picture.height // 2), Resampling.BOX)
    return picture


def resize_map(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An integer map (H, W) at `size` = (height, width), nearest value, dtype kept (Pillow's nearest, on 32 bits)."""
    return np.asarray(Image.fromarray(ids.astype(np.int32)).resize(size[::-1], Resampling.NEAREST)).astype(ids.dtype)


def _with_maps(example: Example, image: np.ndarray | None, size: tuple[int, int]) -> Example:
    instance = None if example.instance is None else resize_map(example.instance, size)
    return replace(example, image=image, label=resize_map(example.label, size), instance=instance)


def _map_arrays(example: Example, function: Callable[[np.ndarray], np.ndarray]) -> Example:
    def changed(part: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(function(part))

    return replace(
        example,
        image=None if example.image is None else changed(example.image),
        label=changed(example.label),
        instance=None if example.instance is None else changed(example.instance),
    )
