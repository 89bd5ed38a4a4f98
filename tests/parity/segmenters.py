"""Parity of the evaluation segmenters, and of what they are fed, with their reference implementations."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdm_bench.datasets.base import IGNORED, ClassTable
from sdm_bench.datasets.known_datasets import dataset_class
from segmenters import deeplabv2, drn, unet, upernet
from segmenters.picture_segmenter import resized_scores
from segmenters.preprocessing import PREPROCESSING, Fixed, Preprocessing, ShortSides
from tests.parity.cases import Case, weight
from tests.parity.not_supported import NotSupportedError

Rename = Callable[[dict[str, Tensor]], dict[str, Tensor]]
RESNETS = re.compile(r"resnet(50|101)(dilated)?")


def face_unet(case: Case) -> dict[str, Any]:
    """Keys, shapes and scores of the face-parsing U-Net."""
    about = case.arguments["unet"]
    if not (about["is_deconv"] and about["is_batchnorm"] and about["in_channels"] == 3):
        raise NotSupportedError("face U-Net", about)
    model = unet.face_parsing_unet(about["n_classes"], about["feature_scale"])
    load(model, {"": case.about["state_dict"]}, unet.from_released, unet.to_released)
    with torch.no_grad():
        return {"scores": model(case.tensor("x"))}


def dilated_residual(case: Case) -> dict[str, Any]:
    """Keys, shapes and scores of DRN-C or DRN-D, with drawn weights and with the fixed kernel in its last layer."""
    about = case.arguments["DRNSeg"]
    name = re.fullmatch(r"drn_([cd])_(\d+)", about["model_name"])
    if name is None or int(name[2]) not in {"c": drn.TYPE_C, "d": drn.TYPE_D}[name[1]]:
        raise NotSupportedError("DRN", about["model_name"])
    upsampling = "corners" if about.get("use_torch_up") else "kernel"
    model = drn.drn(about["classes"], int(name[2]), upsampling=upsampling)
    fixed = {key: value.clone() for key, value in model.decode_head.up.state_dict().items()}
    unused = drn.UNUSED if name[1] == "c" else ()
    load(model, {"": case.about["state_dict"]}, drn.from_released, drn.to_released, unused)
    with torch.no_grad():
        features = model.backbone(case.tensor("x"))
        out = {
            "scores": model.decode_head.conv_seg(features[0]),
            "log_softmax": model.decode_head(features).log_softmax(1),
            "bilinear_kernel": drn.bilinear_kernel(),
        }
        model.decode_head.up.load_state_dict(fixed)
        return out | {"log_softmax_bilinear_kernel": model.decode_head(features).log_softmax(1)}


def upernet_csail(case: Case) -> dict[str, Any]:
    """Keys, shapes, feature maps and probabilities of UPerNet."""
    encoder, decoder = case.arguments["build_encoder"], case.arguments["build_decoder"]
    channels = {"upernet": 512, "upernet_lite": 256}.get(decoder["arch"])
    resnet = RESNETS.fullmatch(encoder["arch"])
    if channels is None or resnet is None or decoder["fc_dim"] != 2048:
        raise NotSupportedError("UPerNet", f"{decoder['arch']} on {encoder['arch']}")
    model = upernet.upernet(
        decoder["num_class"], int(resnet[1]), channels=channels, pool_channels=512, dilated=resnet[2] is not None
    )
    parts = {f"{part}.": case.about[f"state_dict_{part}"] for part in ("encoder", "decoder")}
    load(model, parts, upernet.from_released, upernet.to_released, unused=upernet.UNUSED)
    with torch.no_grad():
        features = model.backbone(case.tensor("x"))
        scores = model.decode_head(features)
    return {f"encoder_{number}": feature for number, feature in enumerate(features)} | {
        "probabilities": resized_scores(scores, tuple(case.arguments["segSize"])).softmax(1),
        "log_probabilities": scores.log_softmax(1),
    }


def deeplab(case: Case) -> dict[str, Any]:
    """Keys, shapes and scores of DeepLabV2, at one scale and over several."""
    about = case.arguments
    model = deeplabv2.deeplabv2(
        about["n_classes"], about["n_blocks"], rates=about["atrous_rates"], scales=about["scales"]
    )
    load(model, {"": case.about["state_dict"]}, deeplabv2.from_released, deeplabv2.to_released)
    x = case.tensor("x")
    with torch.no_grad():
        scores = model.scores(x)
        base = model.decode_head(model.backbone(x))
    return {
        "scores": scores,
        "scores_base": base,
        "argmax_full": resized_scores(scores, tuple(x.shape[2:])).argmax(1),
    }


def csail_input(case: Case) -> dict[str, Any]:
    """ADE20K's pictures at several sizes and its label map."""
    about = case.arguments
    sizes = ShortSides(tuple(about["imgSizes"]), about["imgMaxSize"], about["padding_constant"])
    inputs = fed(replace(PREPROCESSING["csail"], sizes=sizes), case.inputs["image"])
    evaluated = evaluated_label("ade20k", case.inputs["label"])
    return {f"input_{short}": x for short, x in zip(about["imgSizes"], inputs, strict=True)} | {
        "seg_label": np.where(evaluated == IGNORED, -1, evaluated)[None]
    }


def deeplab_input(case: Case) -> dict[str, Any]:
    """COCO-Stuff's picture and label map."""
    preprocessing = replace(PREPROCESSING["deeplab"], mean=tuple(case.arguments["mean_bgr"]))
    return {
        "input": fed(preprocessing, case.inputs["image_rgb"])[0][0],
        "label_out": evaluated_label("coco_stuff", case.inputs["label"]),
    }


def face_input(case: Case) -> dict[str, Any]:
    """CelebAMask-HQ's picture."""
    preprocessing = replace(PREPROCESSING["face_parsing"], sizes=Fixed((case.arguments["imsize"],) * 2))
    return {"input": fed(preprocessing, case.inputs["image"])[0][0]}


def fed(preprocessing: Preprocessing, image: np.ndarray) -> list[Tensor]:
    """What a network is given of a uint8 picture (H, W, 3), a tensor (1, 3, h, w) a pass."""
    return [preprocessing.normalised(picture[None]) for picture in preprocessing.passes(image)]


def evaluated_label(dataset: str, raw: np.ndarray) -> np.ndarray:
    """int64 indices of evaluated classes, IGNORED where there is none, of a label file's values."""
    return ClassTable.shipped(dataset).evaluate_as[dataset_class(dataset).label_ids(raw)].astype(np.int64)


def load(
    model: nn.Module, parts: dict[str, list], from_released: Rename, to_released: Rename, unused: tuple[str, ...] = ()
) -> None:
    """Loads drawn weights into `model`, in evaluation mode, after comparing its keys and shapes with the official ones.

    parts: the table of each released file, by what our one dictionary puts before its keys. unused: endings of keys
    that the network has no use for.
    """
    official = {f"{prefix}{key}": shape for prefix, table in parts.items() for key, shape in table}
    ours = {key: list(value.shape) for key, value in to_released(model.state_dict()).items()}
    expected = {key: shape for key, shape in official.items() if not key.endswith(unused)}
    assert ours == expected, "state-dict keys or shapes differ"
    drawn = {
        f"{prefix}{key}": torch.from_numpy(weight(key, tuple(shape)))
        for prefix, table in parts.items()
        for key, shape in table
    }
    model.load_state_dict(from_released(drawn))
    model.eval()


HANDLERS = [
    (lambda case: "face_parsing/unet.py" in case.about["source"], face_unet),
    (lambda case: "DRNSeg" in case.arguments, dilated_residual),
    (lambda case: "build_encoder" in case.arguments, upernet_csail),
    (lambda case: "msc.py MSC" in case.about["source"], deeplab),
    (lambda case: "dataset.py ValDataset" in case.about["source"], csail_input),
    (lambda case: "deeplab-pytorch" in case.about["source"] and "mean_bgr" in case.arguments, deeplab_input),
    (lambda case: "tester.py transformer" in case.about["source"], face_input),
]
