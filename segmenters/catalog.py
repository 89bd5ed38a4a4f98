"""The segmenters by name: how each is built and how the keys of its released files are translated."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from sdm_bench.errors import unknown_name
from sdm_bench.models.preset import Section


class SegmenterArchitecture(Section):
    """An evaluation network. build, from_released: "module:function"; size_multiple: of the pictures' sides.

    released_weights: registry names of published files of this architecture, each with the size it was trained at.
    """

    name: str
    build: str
    from_released: str
    size_multiple: int
    released_weights: dict[str, tuple[int, int]]


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        SegmenterArchitecture(
            name="unet",
            build="segmenters.unet:face_parsing_unet",
            from_released="segmenters.unet:from_released",
            size_multiple=16,
            released_weights={"celebamask-hq-unet": (512, 512)},
        ),
        SegmenterArchitecture(
            name="unet-lite",
            build="segmenters.unet_lite:lite_unet",
            from_released="segmenters.unet_lite:from_released",
            size_multiple=4,
            released_weights={"face-parsing-unet-lite": (256, 256)},
        ),
    )
}


def architecture(name: str) -> SegmenterArchitecture:
    """The architecture called `name`; raises UserError with the nearest known name."""
    if name not in ARCHITECTURES:
        raise unknown_name("segmenter", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def released_names() -> dict[str, SegmenterArchitecture]:
    """The registry names of published weights, with the architecture each is of."""
    return {weights: each for each in ARCHITECTURES.values() for weights in each.released_weights}


def build_segmenter(name: str, **options: Any) -> Any:
    """The network (an MMSegmentation model) of an architecture, from pictures in [-1, 1] to scores."""
    return load(architecture(name).build)(**options)


@cache
def load(path: str) -> Callable[..., Any]:
    """The function at "module:function"."""
    module, name = path.split(":")
    return getattr(import_module(module), name)
