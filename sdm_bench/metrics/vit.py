"""Vision transformers as extractors beside Inception: DINOv2 and CLIP, by the `transformers` library (extra `vit`).

Inception ranks generators otherwise than people do, DINOv2 closer to them (Stein et al. 2023, arXiv:2306.04675), and
its distance falls where only ImageNet's classes are matched (Kynkäänniemi et al. 2022, arXiv:2203.06026). Each name
below is one published reading: a network, how pictures are resized for it, and what of it is the feature.
"""

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError, unknown_name
from sdm_bench.metrics.features import Extractor
from sdm_bench.metrics.resize import Levels, Pixels, Resize, pillow_8bit, resized_before
from sdm_bench.tensors import Differences, read_tensors, tensors_sha256

EXTRA = "vit"
FILES = ("model.safetensors", "pytorch_model.bin")
"""What a folder of weights holds, the first that is there."""
POSITION_OFFSET = 0.1
"""What DINOv2 adds to the side of its grid of positions when it resizes them."""


@dataclass(frozen=True)
class ViT:
    """A published reading. classes: of `transformers`, model and configuration; settings: the latter's fields.

    side: height and width of the input, pixels. output: the field of the model's output that is the feature,
    (N, dimensions). unused: beginnings of names in the weights that decide nothing.
    """

    classes: tuple[str, str]
    settings: dict[str, Any]
    side: int
    resize: Resize
    output: str
    dimensions: int
    unused: tuple[str, ...] = ()


def short_side_cropped(image: Pixels, side: int) -> Pixels:
    """float32 (side, side, 3), 0..255: the short side bicubic to `side`, rounded to 8 bits, and the middle of that.

    torchvision's Resize(side) and CenterCrop(side); of a picture twice as wide as high it keeps half.
    """
    height, width = image.shape[:2]
    shorter = min(height, width)
    resized = resized_before(image, (int(side * height / shorter), int(side * width / shorter)), "bicubic")
    return _middle(resized, side).astype(np.float32)


def _middle(image: Pixels, side: int) -> Pixels:
    top, left = (round((extent - side) / 2) for extent in image.shape[:2])
    return image[top : top + side, left : left + side]


def _levels(red: float, green: float, blue: float) -> Levels:
    return 255 * red, 255 * green, 255 * blue


IMAGENET = (_levels(0.485, 0.456, 0.406), _levels(0.229, 0.224, 0.225))
CLIP = (_levels(0.48145466, 0.4578275, 0.40821073), _levels(0.26862954, 0.26130258, 0.27577711))
"""Mean and deviation of red, green and blue, 0..255."""
CLIP_CLASSES = ("CLIPVisionModelWithProjection", "CLIPVisionConfig")
CLIP_UNUSED = ("text_model.", "text_projection.", "logit_scale", "vision_model.embeddings.position_ids")

VITS: dict[str, ViT] = {
    # layer6ai-labs/dgm-eval@d57a6d2, dgm_eval/models/dinov2.py, without --clean_resize, as is its default: squashed
    # to a square; the class token after the last norm, as it is
    "dinov2-vit-l-14": ViT(
        classes=("Dinov2Model", "Dinov2Config"),
        settings={
            **{"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
            **{"image_size": 518, "patch_size": 14},
        },
        side=224,
        resize=Resize("pillow-8bit-224", partial(pillow_8bit, side=224), *IMAGENET),
        output="pooler_output",
        dimensions=1024,
    ),
    # GaParmar/clean-fid@e88c4d6, cleanfid/clip_features.py (CLIP-FID): the image embedding, as it is
    "clip-vit-b-32": ViT(
        classes=CLIP_CLASSES,
        settings={
            **{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
            **{"image_size": 224, "patch_size": 32, "projection_dim": 512},
        },
        side=224,
        resize=Resize("short-side-cropped-224", partial(short_side_cropped, side=224), *CLIP),
        output="image_embeds",
        dimensions=512,
        unused=CLIP_UNUSED,
    ),
}


class ViTFeatures(nn.Module):
    """float32 (N, 3, side, side), normalised -> features (N, D)."""

    def __init__(self, network: nn.Module, output: str):
        super().__init__()
        self.network, self.output = network, output

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self.network(pixel_values=x), self.output)


def vit_extractor(name: str, weights: Path, device: str = "auto") -> Extractor:
    """The extractor called `name` in VITS, with weights under Hugging Face's names.

    weights: a safetensors or PyTorch file, or a folder with model.safetensors or pytorch_model.bin. Raises UserError on
    an unknown name, for weights of another network, and without the library.
    """
    if name not in VITS:
        raise unknown_name("vision transformer", name, VITS)
    about, path = VITS[name], _weights_file(Path(weights))
    tensors = {key: value.float() for key, value in read_tensors(path).items() if not key.startswith(about.unused)}
    network = _network(about, tensors, path)
    # under the file's names, so that the digest doesn't depend on the library's
    digest = tensors_sha256({key: value for key, value in tensors.items() if not key.endswith("mask_token")})
    module = ViTFeatures(network, about.output).eval().requires_grad_(False)
    chosen = pick_device(device)
    return Extractor(name, digest, about.resize, module.to(chosen), chosen)


def resized_positions(positions: Tensor, side: int) -> Tensor:
    """DINOv2's learnt positions (1, 1 + G^2, C), the first the class token's, for a grid of `side`^2 patches.

    Bicubic at a scale of (side + 0.1) / G, not side / G, as facebookresearch/dinov2@027a9ac,
    dinov2/models/vision_transformer.py; `transformers` leaves the tenth out, which moves the last of 16 by a fifth
    of the distance of two of 37.
    """
    grid = math.isqrt(positions.shape[1] - 1)
    square = positions[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = (side + POSITION_OFFSET) / grid
    resized = F.interpolate(square, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([positions[:, :1], resized.flatten(2).transpose(1, 2)], 1)


def _weights_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [path / name for name in FILES if (path / name).is_file()]
    if not found:
        raise UserError(f"{path}: neither {' nor '.join(FILES)} in this folder")
    return found[0]


def _library() -> ModuleType:
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(
            f"vision transformers need the library `transformers` ({error}): pip install 'sdm-bench[{EXTRA}]'"
        ) from error


def _network(about: ViT, tensors: dict[str, Tensor], source: Path) -> nn.Module:
    library = _library()
    model, config = (getattr(library, name) for name in about.classes)
    with _quiet(library):
        # the library knows which of its names differ from those in published files, and draws what is missing at random
        network, report = model.from_pretrained(
            None,
            config=config(**about.settings),
            state_dict=tensors,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    shapes = [f"{key} (file {tuple(a)}, network {tuple(b)})" for key, a, b in sorted(report["mismatched_keys"])]
    found = Differences(sorted(report["missing_keys"]), sorted(report["unexpected_keys"]), shapes)
    if found:
        raise UserError(f"{source}: these are not the weights of {about.classes[0]}:\n{found.text()}")
    if about.classes[0] == "Dinov2Model":
        _fix_positions(network, about.side)
    return network


def _fix_positions(network: Any, side: int) -> None:
    """Resizes DINOv2's positions to the pictures' size once, so that the library doesn't at every call."""
    embeddings = network.embeddings
    with torch.no_grad():
        resized = resized_positions(embeddings.position_embeddings, side // embeddings.patch_size)
    embeddings.position_embeddings = nn.Parameter(resized)


@contextmanager
def _quiet(library: ModuleType) -> Iterator[None]:
    """Without the library's progress bar and its report, which the caller makes into an error."""
    logging = library.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
