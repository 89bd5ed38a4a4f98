"""Any network that MMSegmentation can build, from one of its configuration files and a checkpoint."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import load_strictly, read_tensors, to_unit_range
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.encodings import COCO_STUFF_IDS
from segmenters.mmsegmentation import (
    MODELS,
    Config,
    ConfigDict,
    DefaultScope,
    EncoderDecoder,
    rescale_size,
    revert_sync_batchnorm,
)
from segmenters.preprocessing import OPENCV, Fixed, Preprocessing, Size, SizeRule, as_it_is, enlarged

PREFIX = "mmseg:"
COCO_CLASSES = 182


@dataclass(frozen=True)
class OpenCVPreprocessing(Preprocessing):
    """As MMSegmentation prepares pictures: resized by OpenCV, bilinear, not antialiased."""

    def passes(self, image: np.ndarray) -> list[Tensor]:
        """RGB pictures (3, h, w) in [-1, 1] of a uint8 picture (H, W, 3)."""
        sizes = self.sizes((image.shape[0], image.shape[1]))
        return [to_unit_range(np.asarray(enlarged(image, size, OPENCV))) for size in sizes]


@dataclass(frozen=True)
class KeptRatio:
    """One pass within `scale` = (width, height) or (height, width), the aspect ratio kept, as MMCV's Resize does it."""

    scale: Size

    def __call__(self, size: Size) -> tuple[Size, ...]:
        width, height = rescale_size(size[::-1], self.scale)
        return ((height, width),)


class ConfiguredSegmenter(nn.Module):
    """Pictures (N, 3, H, W) in [-1, 1] to scores (N, classes, H, W), whole or in a sliding window as configured.

    classes: the evaluated class that each output is, where there are fewer outputs than evaluated classes.
    """

    def __init__(
        self, network: EncoderDecoder, preprocessing: Preprocessing, num_classes: int, classes: Sequence[int] | None
    ):
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        self.num_classes = num_classes
        self.classes = classes

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores of pictures in [-1, 1] at their own size."""
        size = tuple(inputs.shape[2:])
        about = [{"img_shape": size, "ori_shape": size, "pad_shape": size} for _ in range(len(inputs))]
        scores: Tensor = self.network.inference(self.preprocessing.normalised(inputs), about)
        if self.classes is None:
            return scores
        every = scores.new_full((len(scores), self.num_classes, *scores.shape[2:]), -torch.inf)
        every[:, list(self.classes)] = scores
        return every


def load_configured(source: str, classes: ClassTable) -> tuple[ConfiguredSegmenter, str]:
    """The network of "mmseg:CONFIG.py,CHECKPOINT.pth", and its configuration as text, base files merged.

    The configuration is a Python file and is executed.

    Raises UserError where it can't be built, where weights don't fit it, or
    where it has another number of classes than the dataset evaluates.
    """
    config_file, checkpoint = _files(source)
    try:
        config = Config.fromfile(config_file)
        network = build(config)
    except Exception as error:  # a configuration is a program and may raise anything
        raise UserError(f"{config_file}: not a configuration that MMSegmentation can build: {error}") from error
    load_strictly(network, read_tensors(checkpoint), checkpoint)
    preprocessing = _preprocessing(config)
    count = len(classes.evaluated_names)
    mapped = _mapped(network.decode_head.num_classes, count, config_file)
    configuration = json.dumps(config.to_dict(), sort_keys=True, default=str)
    return ConfiguredSegmenter(network, preprocessing, count, mapped), configuration


def build(config: Config) -> EncoderDecoder:
    """The network of a configuration, with batch norm of one process."""
    with warnings.catch_warnings(), DefaultScope.overwrite_default_scope("mmseg"):
        warnings.simplefilter("ignore")
        return revert_sync_batchnorm(MODELS.build(config.model))


def _files(source: str) -> tuple[Path, Path]:
    parts = source.removeprefix(PREFIX).split(",")
    if len(parts) != 2:
        raise UserError(f"--segmenter {source}: expected {PREFIX}CONFIG.py,CHECKPOINT.pth")
    for part in parts:
        if not Path(part).is_file():
            raise UserError(f"--segmenter {source}: {part}: no such file")
    return Path(parts[0]), Path(parts[1])


def _mapped(found: int, expected: int, config: Path) -> list[int] | None:
    """The evaluated class of each of `found` outputs; None where they are the evaluated ones."""
    if found == expected:
        return None
    if (found, expected) == (len(COCO_STUFF_IDS), COCO_CLASSES):
        return list(COCO_STUFF_IDS)
    raise UserError(f"{config}: a network of {found} classes; expected the dataset's {expected} evaluated ones")


def _preprocessing(config: Config) -> Preprocessing:
    """What the configuration's data preprocessor and test pipeline do to a picture."""
    about = config.model.get("data_preprocessor", ConfigDict())
    return OpenCVPreprocessing(
        mean=tuple(about.get("mean") or (0.0, 0.0, 0.0)),
        std=tuple(about.get("std") or (1.0, 1.0, 1.0)),
        white=255.0,
        bgr=not about.get("bgr_to_rgb", False),
        sizes=_size_rule(config.get("test_pipeline", [])),
    )


def _size_rule(pipeline: Sequence[dict[str, Any]]) -> SizeRule:
    for step in pipeline:
        if step["type"] == "Resize" and step.get("scale") is not None:
            width, height = step["scale"]
            return KeptRatio((width, height)) if step.get("keep_ratio") else Fixed((height, width))
    return as_it_is
