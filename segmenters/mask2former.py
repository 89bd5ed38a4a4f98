"""Mask2Former on Swin-L by the `transformers` library (extra `vit`): semantic segmentation without MMCV.

Source: arXiv:2112.01527; facebookresearch/Mask2Former@161be51, mask2former/maskformer_model.py and
configs/{ade20k,cityscapes}/semantic-segmentation/swin/maskformer2_swin_large_IN21k_384_*.yaml. The published files are
those that Hugging Face converted from the authors' (facebook/mask2former-swin-large-*-semantic). Their outputs are in
the order of the benchmarks' classes: on ADE20K the 150, on Cityscapes the 19 evaluated ones.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.pretrained import transformers_library, transformers_network
from segmenters.preprocessing import PREPROCESSING, Preprocessing

# Fields of SwinConfig and of Mask2FormerConfig, whose other defaults are the authors' too.
SWIN: dict[str, Any] = {
    "embed_dim": 192,
    "depths": [2, 2, 18, 2],
    "num_heads": [6, 12, 24, 48],
    "window_size": 12,
    "image_size": 384,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
MASK2FORMER: dict[str, Any] = {"num_queries": 100}
# Sides that the network sees are padded to multiples of this.
MULTIPLE = 32
CLASSES = "class_predictor.weight"
# Computed from the window's size, though files hold it.
COMPUTED = "relative_position_index"
# The library's Swin ends in a norm that Mask2Former never asks for and that files don't hold.
UNUSED_NORM = "model.pixel_level_module.encoder.swin.layernorm."


class Mask2Former(nn.Module):
    """Pictures (N, 3, H, W) in [-1, 1] to scores (N, classes, H, W), each a sum over queries in [0, queries]."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing):
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores of pictures in [-1, 1] at their own size."""
        height, width = inputs.shape[2:]
        x = F.pad(self.preprocessing.normalised(inputs), (0, -width % MULTIPLE, 0, -height % MULTIPLE))
        found = self.network(pixel_values=x)
        classes = found.class_queries_logits.softmax(-1)[..., :-1]
        # a picture at a time, since a hundred masks of full size are large
        return torch.stack(
            [
                _scores(each, masks[None], (x.shape[2], x.shape[3]))[:, :height, :width]
                for each, masks in zip(classes, found.masks_queries_logits, strict=True)
            ]
        )


def _scores(classes: Tensor, masks: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, H, W) of class probabilities (Q, C) and mask logits (1, Q, h, w)."""
    larger = F.interpolate(masks, size=size, mode="bilinear", align_corners=False)[0]
    return torch.einsum("qc,qhw->chw", classes, larger.sigmoid())


def ade20k(num_classes: int) -> Mask2Former:
    """The whole segmenter as it was trained on ADE20K, with random weights."""
    return Mask2Former(_library_network(num_classes), PREPROCESSING["mask2former-640"])


def cityscapes(num_classes: int) -> Mask2Former:
    """The whole segmenter as it was trained on Cityscapes, with random weights."""
    return Mask2Former(_library_network(num_classes), PREPROCESSING["mask2former-1024"])


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of the segmenter from a released file, under the installed library's names.

    Raises UserError for tensors of another network.
    """
    held = {key: value for key, value in tensors.items() if not key.endswith(COMPUTED)}
    classes = held.get(CLASSES)
    library, count = transformers_library("Mask2Former's networks"), 1 if classes is None else len(classes) - 1
    config = _config(count)
    width = SWIN["embed_dim"] * 2 ** (len(SWIN["depths"]) - 1)
    norm = {f"{UNUSED_NORM}weight": torch.ones(width), f"{UNUSED_NORM}bias": torch.zeros(width)}
    name = "Mask2Former on Swin-L"
    network = transformers_network(library.Mask2FormerForUniversalSegmentation, config, {**held, **norm}, name)
    return {f"network.{key}": value for key, value in network.state_dict().items()}


def _library_network(num_classes: int) -> nn.Module:
    library = transformers_library("Mask2Former's networks")
    network: nn.Module = library.Mask2FormerForUniversalSegmentation(_config(num_classes))
    return network


def _config(num_classes: int) -> Any:
    library = transformers_library("Mask2Former's networks")
    return library.Mask2FormerConfig(backbone_config=library.SwinConfig(**SWIN), num_labels=num_classes, **MASK2FORMER)
