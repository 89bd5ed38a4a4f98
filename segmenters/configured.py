"""Any network that MMSegmentation can build, from one of its configuration files and a checkpoint.

Pictures are prepared by the configuration's own test pipeline and data preprocessor, and segmented by the network's own
inference, whole or in a sliding window: what `test_step` does, up to the size that scores are resized to.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.devices import full_precision
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.base.tensors import load_strictly, read_tensors, tensors_sha256
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.encodings import COCO_STUFF_IDS
from segmenters.mmsegmentation import (
    MODELS,
    BaseSegmentor,
    Compose,
    Config,
    DefaultScope,
    SegDataPreProcessor,
    SegDataSample,
    register_transforms,
    revert_sync_batchnorm,
)
from segmenters.picture_segmenter import mean_probabilities, resized_scores
from segmenters.prediction import LONGEST, MULTIPLE, Segmenter
from segmenters.preprocessing import OPENCV, ShortSides, Size, enlarged

PREFIX = "mmseg:"
COCO_CLASSES = 182
WHITE = 255.0


@dataclass(frozen=True, kw_only=True)
class ConfiguredSegmenter(Segmenter):
    """A network of MMSegmentation, fed and read as its own `test_step` does.

    network: a BaseSegmentor. pipeline: the configuration's test pipeline from an array on. classes_of_outputs: uint8,
    the evaluated class of each output.
    """

    network: Any
    pipeline: Compose
    classes_of_outputs: np.ndarray

    def prepare(
        self,
        image: np.ndarray,
        size: Size | None = None,
        kernel: str = "bicubic",
        short_sides: Sequence[int] | None = None,
    ) -> list[Tensor]:
        """What the data preprocessor is fed of a uint8 picture (H, W, 3): BGR pictures (3, h, w), one a pass.

        Their values are 0 to 255, uint8 where they were rounded. size, kernel, short_sides: as of Segmenter; with a
        size or short sides the test pipeline's own resizing is left out.
        """
        picture = image if size is None else enlarged(image, size, kernel)
        if isinstance(picture, Tensor):
            assert short_sides is None, "pictures that are not rounded are seen as they are"
            return [(picture.flip(0) + 1) * (WHITE / 2)]
        if short_sides is not None:
            sizes = ShortSides(tuple(short_sides), LONGEST, MULTIPLE)((picture.shape[0], picture.shape[1]))
            return [_blue_first(np.asarray(enlarged(picture, each, OPENCV))) for each in sizes]
        if size is not None:
            return [_blue_first(picture)]
        return [piped(self.pipeline, picture)]

    @torch.inference_mode()
    def scores(self, passes: Sequence[Tensor]) -> list[Tensor]:
        """Scores (N, outputs, h, w) of prepared pictures (N, 3, h, w) at their size, a tensor a pass."""
        with full_precision():
            return [self._scores(pictures.to(self.device)) for pictures in passes]

    def _scores(self, pictures: Tensor) -> Tensor:
        size = tuple(pictures.shape[2:])
        samples = [SegDataSample(metainfo={"ori_shape": size, "img_shape": size}) for _ in pictures]
        data = self.network.data_preprocessor({"inputs": list(pictures), "data_samples": samples}, False)
        about = [sample.metainfo for sample in data["data_samples"]]
        # read before the inference, which writes the window's size into it
        left, right, top, bottom = about[0].get("img_padding_size", (0, 0, 0, 0))
        devices = [self.device] if self.device.type == "cuda" else []
        with warnings.catch_warnings(), torch.random.fork_rng(devices):
            # of sizes that were not trained at, once a window
            warnings.filterwarnings("ignore", "When align_corners=True")
            # some heads draw numbers, such as SegNeXt's
            torch.manual_seed(0)
            scores: Tensor = self.network.inference(data["inputs"], about)
        height, width = scores.shape[2:]
        return scores[:, :, top : height - bottom, left : width - right]

    @torch.inference_mode()
    def classes(self, scores: Sequence[Tensor], sizes: Sequence[Size], corners: bool = False) -> list[np.ndarray]:
        """uint8 (H, W) indices of evaluated classes at `sizes`, one for each of N pictures.

        Scores are resized with aligned corners where the network's head has them, or where `corners` asks for them.
        """
        aligned = corners or self.network.align_corners
        each = zip(*(x.split(1) for x in scores), strict=True)
        return [self._classes(parts, size, aligned) for parts, size in zip(each, sizes, strict=True)]

    def _classes(self, parts: Sequence[Tensor], size: Size, corners: bool) -> np.ndarray:
        if parts[0].shape[1] == 1:
            shares = [resized_scores(part, size, corners).sigmoid() for part in parts]
            outputs = torch.stack(shares).mean(0)[0, 0] > self.network.decode_head.threshold
        elif len(parts) == 1:
            # of the scores themselves: probabilities round some that differ to the same
            outputs = resized_scores(parts[0], size, corners).argmax(1)[0]
        else:
            outputs = mean_probabilities(parts, size, corners).argmax(1)[0]
        return self.classes_of_outputs[outputs.to(torch.uint8).cpu().numpy()]


def load_configured(source: str, classes: ClassTable, device: torch.device) -> ConfiguredSegmenter:
    """The segmenter of "mmseg:CONFIG.py,CHECKPOINT.pth".

    The configuration is a Python file and is executed. With base files merged it decides predictions too, so that the
    digest covers both. Raises UserError where it can't be built or says nothing of how pictures are fed, where weights
    don't fit it, or where it has another number of classes than the dataset evaluates.
    """
    config_file, checkpoint = named_files(source)
    try:
        config = Config.fromfile(config_file)
        network = build(config)
    except Exception as error:  # a configuration is a program and may raise anything
        raise UserError(f"{config_file}: not a configuration that MMSegmentation can build: {error}") from error
    if not isinstance(network.data_preprocessor, SegDataPreProcessor):
        raise UserError(f"{config_file}: its model has no data_preprocessor; expected a SegDataPreProcessor")
    pipeline = _pipeline(config, config_file)
    load_strictly(network, read_tensors(checkpoint), checkpoint)
    mapped = _mapped(network.num_classes, len(classes.evaluated_names), config_file)
    configuration = json.dumps(config.to_dict(), sort_keys=True, default=str)
    return ConfiguredSegmenter(
        name=source,
        network=network.to(device).eval(),
        image_size=None,
        sha256=sha256_lines([configuration, tensors_sha256(network.state_dict())]),
        device=device,
        pipeline=pipeline,
        classes_of_outputs=np.array(mapped, np.uint8),
    )


def build(config: Config) -> BaseSegmentor:
    """The network of a configuration, with batch norm of one process."""
    with warnings.catch_warnings(), DefaultScope.overwrite_default_scope("mmseg"):
        warnings.simplefilter("ignore")
        return revert_sync_batchnorm(MODELS.build(config.model))


def piped(pipeline: Compose, picture: np.ndarray) -> Tensor:
    """What a test pipeline makes of a uint8 RGB picture (H, W, 3): BGR, (3, h, w)."""
    packed: Tensor = pipeline({"img": np.ascontiguousarray(picture[..., ::-1])})["inputs"]
    return packed


def _pipeline(config: Config, config_file: Path) -> Compose:
    """The test pipeline as `inference_model` takes it: from an array on and without annotations; it is tried."""
    every: list[dict[str, Any]] = config.get("test_pipeline", [])
    steps = [step for step in every if step["type"] != "LoadAnnotations"]
    if not steps or steps[0]["type"] != "LoadImageFromFile":
        raise UserError(f"{config_file}: expected a test_pipeline that begins with LoadImageFromFile")
    register_transforms()
    try:
        with warnings.catch_warnings(), DefaultScope.overwrite_default_scope("mmseg"):
            warnings.simplefilter("ignore")
            pipeline = Compose([{**steps[0], "type": "LoadImageFromNDArray"}, *steps[1:]])
        found = piped(pipeline, np.zeros((32, 48, 3), np.uint8))
        if not isinstance(found, Tensor) or found.ndim != 3:
            raise ValueError(f"expected one picture of it, found {type(found).__name__}")
    except Exception as error:  # its steps are a program too
        raise UserError(f"{config_file}: its test_pipeline can't be used: {error}") from error
    return pipeline


def _blue_first(picture: np.ndarray) -> Tensor:
    """A uint8 RGB picture (H, W, 3) as a BGR one (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)))


def named_files(source: str) -> tuple[Path, Path]:
    """Configuration and checkpoint of "mmseg:CONFIG.py,CHECKPOINT.pth"; raises UserError where one is not there."""
    parts = source.removeprefix(PREFIX).split(",")
    if len(parts) != 2:
        raise UserError(f"--segmenter {source}: expected {PREFIX}CONFIG.py,CHECKPOINT.pth")
    for part in parts:
        if not Path(part).is_file():
            raise UserError(f"--segmenter {source}: {part}: no such file")
    return Path(parts[0]), Path(parts[1])


def _mapped(found: int, expected: int, config: Path) -> list[int]:
    """The evaluated class of each of `found` outputs."""
    if found == expected:
        return list(range(expected))
    if (found, expected) == (len(COCO_STUFF_IDS), COCO_CLASSES):
        return list(COCO_STUFF_IDS)
    raise UserError(f"{config}: a network of {found} classes; expected the dataset's {expected} evaluated ones")
