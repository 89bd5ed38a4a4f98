"""The segmenters by name: how each is built and how the keys of its released files are translated."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import Field

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.sections import Section


class SegmenterArchitecture(Section):
    """An evaluation network. build, from_released: "module:function"; size_multiple: of the pictures' sides.

    preprocessing: how its authors feed it, a name in segmenters.preprocessing; None where they don't say.
    released_weights: names of published weights of this architecture, each with the size it was trained at.
    noisy: "module:function" of its like that sees noisy pictures and their timestep, None where there is none.
    released_files: the files of those that are published in several: registry names, each with what `from_released`
    expects before the file's keys.
    """

    name: str
    build: str
    from_released: str
    size_multiple: int
    preprocessing: str | None = None
    released_weights: dict[str, tuple[int, int]]
    noisy: str | None = None
    released_files: dict[str, dict[str, str]] = Field(default_factory=dict)


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        SegmenterArchitecture(
            name="unet",
            build="segmenters.unet:face_parsing_unet",
            from_released="segmenters.unet:from_released",
            size_multiple=16,
            preprocessing="face_parsing",
            released_weights={"celebamask-hq-unet": (512, 512)},
            noisy="segmenters.noisy:noisy_unet",
        ),
        SegmenterArchitecture(
            name="unet-lite",
            build="segmenters.unet_lite:lite_unet",
            from_released="segmenters.unet_lite:from_released",
            size_multiple=4,
            released_weights={"face-parsing-unet-lite": (256, 256)},
        ),
        SegmenterArchitecture(
            name="drn-d-105",
            build="segmenters.drn:drn_d_105",
            from_released="segmenters.drn:from_released",
            size_multiple=8,
            preprocessing="drn",
            released_weights={"cityscapes-drn-d-105": (1024, 2048)},
        ),
        SegmenterArchitecture(
            name="drn-d-22",
            build="segmenters.drn:drn_d_22",
            from_released="segmenters.drn:from_released",
            size_multiple=8,
            preprocessing="drn",
            released_weights={},
        ),
        SegmenterArchitecture(
            name="drn-c-26",
            build="segmenters.drn:drn_c_26",
            from_released="segmenters.drn:from_released",
            size_multiple=8,
            preprocessing="drn",
            released_weights={},
        ),
        SegmenterArchitecture(
            name="drn-c-42",
            build="segmenters.drn:drn_c_42",
            from_released="segmenters.drn:from_released",
            size_multiple=8,
            preprocessing="drn",
            released_weights={},
        ),
        SegmenterArchitecture(
            name="drn-c-58",
            build="segmenters.drn:drn_c_58",
            from_released="segmenters.drn:from_released",
            size_multiple=8,
            preprocessing="drn",
            released_weights={},
        ),
        SegmenterArchitecture(
            name="upernet101",
            build="segmenters.upernet:upernet",
            from_released="segmenters.upernet:from_released",
            size_multiple=32,
            preprocessing="csail",
            released_weights={"ade20k-upernet101": (480, 480)},
            released_files={
                "ade20k-upernet101": {
                    "ade20k-upernet101-encoder": "encoder.",
                    "ade20k-upernet101-decoder": "decoder.",
                }
            },
        ),
        SegmenterArchitecture(
            name="deeplabv2-resnet101",
            build="segmenters.deeplabv2:deeplabv2",
            from_released="segmenters.deeplabv2:from_released",
            size_multiple=1,
            preprocessing="deeplab",
            released_weights={"coco-stuff-deeplabv2-resnet101": (512, 512)},
        ),
        SegmenterArchitecture(
            name="mask2former-swin-l-640",
            build="segmenters.mask2former:ade20k",
            from_released="segmenters.mask2former:from_released",
            size_multiple=1,
            preprocessing="mask2former-640",
            released_weights={"ade20k-mask2former-swin-l": (640, 640)},
        ),
        SegmenterArchitecture(
            name="mask2former-swin-l-1024",
            build="segmenters.mask2former:cityscapes",
            from_released="segmenters.mask2former:from_released",
            size_multiple=1,
            preprocessing="mask2former-1024",
            released_weights={"cityscapes-mask2former-swin-l": (1024, 2048)},
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


def released_files(name: str) -> dict[str, str]:
    """The registry names of the files of published weights, each with what is put before its keys."""
    return released_names()[name].released_files.get(name, {name: ""})


def build_segmenter(name: str, **options: Any) -> Any:
    """The network (an MMSegmentation model) of an architecture, from pictures in [-1, 1] to scores."""
    return load(architecture(name).build)(**options)


def build_noisy(name: str, **options: Any) -> Any:
    """An architecture's network from noisy pictures and timesteps (N,) in [0, 1000) to scores; raises UserError."""
    path = architecture(name).noisy
    if path is None:
        having = ", ".join(each.name for each in ARCHITECTURES.values() if each.noisy)
        raise UserError(f"{name}: knows no noisy pictures; expected {having}")
    return load(path)(**options)


@cache
def load(path: str) -> Callable[..., Any]:
    """The function at "module:function"."""
    module, name = path.split(":")
    return getattr(import_module(module), name)
