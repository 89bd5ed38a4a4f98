"""Parity of GroupDNet (SMIS): generators, group encoder, class crops."""

from typing import Any

import torch

from sdm_bench.models.groupdnet import GroupDNetConfig, GroupDNetGenerator, GroupEncoder, class_crops
from tests.parity.cases import Case
from tests.parity.gan.common import Handler, built, condition_of, kept, of
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "Seanseattle/SMIS"
NORMS: dict[str, Any] = {"syncbatch": "batch", "batch": "batch", "instance": "instance"}
ENCODER_WIDTHS = {"cityscapes": 350, "ade20k": 604, "deepfashion": 256}


def layers(about: dict) -> dict[str, Any]:
    """The fields that the name of the authors' generator fixes."""
    classes, last = about["semantic_nc"], () if about["num_upsampling_layers"] != "most" else (1,)
    if about["netG"].lower() == "cityscapes":
        return {"ngf": about["ngf"], "groups": (0, 0, 0, 20, 14, 10, 4, 1, *last), "modulation": "class"}
    if about["netG"].lower() == "deepfashion":
        groups = (8, 0, 0, *(classes // n for n in (2, 2, 4, 4, 8)), *last)
        return {"ngf": about["ngf"], "groups": groups, "modulation": "group"}
    return {
        "ngf": 2 * about["ngf"],
        "first_per_class": 16,
        "middle": (16, 8),
        "groups": (0, 0, 16, 16, 8, 4, 2, 1, 1),
        "modulation": "class-group",
        "spare_block": True,
    }


def config_of(about: dict) -> GroupDNetConfig:
    """Our configuration for the official options."""
    mode, name = about["dataset_mode"], about["netG"].lower()
    if name not in ("cityscapes", "ade20k", "deepfashion") or name != mode or not about["use_vae"]:
        raise NotSupportedError("SMIS generator", name)
    if about["num_upsampling_layers"] == "most" and name != "deepfashion":
        raise NotSupportedError("SMIS upsampling")
    norm = about["norm_G"].replace("spectral", "").removeprefix("spade").removesuffix("3x3")
    if norm not in NORMS:
        raise NotSupportedError("norm", about["norm_G"])
    edges = not about["no_instance"]
    if edges and name != "cityscapes":
        raise NotSupportedError("SMIS edges")
    return GroupDNetConfig(
        num_classes=about["semantic_nc"],
        edges=edges,
        upsampling=about["num_upsampling_layers"],
        norm=NORMS[norm],
        spectral="spectral" in about["norm_G"],
        **layers(about),
    )


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    config = config_of(case.arguments)

    def alone() -> GroupDNetGenerator:
        network = GroupDNetGenerator(config)
        del network.encoder
        return network

    model = built(case, alone)
    if model is None:
        return {}
    out = kept(model, case.stored)
    with torch.no_grad():
        out["image"] = model(condition_of(case, config), case.tensor("z")).picture
    return out


def encoder(case: Case) -> dict[str, Any]:
    """The group encoder: keys and shapes, and mean and log-variance."""
    about = case.arguments
    if about["netE"] != "conv" or about["norm_E"] != "spectralinstance":
        raise NotSupportedError("SMIS encoder", f"{about['netE']}, {about['norm_E']}")
    classes = about["semantic_nc"]
    nef = ENCODER_WIDTHS[about["dataset_mode"]] // classes
    model = built(case, lambda: GroupEncoder(classes, nef, 8, 6 if about["crop_size"] >= 256 else 5))
    if model is None:
        return {}
    with torch.no_grad():
        style = model(case.tensor("images"))
    return {"mu": style.mean, "logvar": style.log_variance}


def crops(case: Case) -> dict[str, Any]:
    """The crops of every class, and the means of their channels."""
    entry = case.about["outputs"]["images"]
    height, width = entry.get("full_shape", entry["shape"])[2:]
    picture = case.tensor("image_normal").tanh()
    images = class_crops(picture, case.tensor("labels"), case.arguments["num_classes"], (height, width))
    return {"images": images, "mean": images.mean((2, 3))}


HANDLERS: list[Handler] = [
    (of(REPOSITORY, "trans_img"), crops),
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="layer1."), encoder),
]
