"""Parity of the data transforms with semantic-diffusion-model's image_datasets.py."""

from typing import Any

import numpy as np

from sdm_bench.datasets import transforms
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.known_datasets import dataset_class
from tests.parity.cases import Case

DATASETS = {"ade20k": "ade20k", "celeba": "celebamask_hq", "cityscapes": "cityscapes", "coco": "coco_stuff"}


def transform_outputs(case: Case) -> dict[str, Any]:
    """Resizing and cropping of image, label and instance at several sizes."""
    resolution = case.arguments["resolution"]
    square = (resolution, resolution)
    out: dict[str, Any] = {}
    for letter in sorted({name.rsplit("_", 1)[1] for name in case.inputs}):
        example = _example(case, letter)
        (low_high, short), (_, top), (_, left) = (
            case.about["random_crop"][letter][name] for name in ("short_side", "top", "left")
        )
        assert list(transforms.short_side_range(resolution)) == low_high
        results = {
            "resize_keep": transforms.resize_short_side(example, resolution),
            "resize_square": transforms.resize(example, square, resolution),
            "center_crop": transforms.center_crop(example, resolution),
            "random_crop": transforms.crop(transforms.resize_short_side(example, short), top, left, square),
        }
        for kind, result in results.items():
            out |= {f"{kind}_{part}_{letter}": getattr(result, part) for part in ("image", "label", "instance")}
    return out


def dataset_item(case: Case) -> dict[str, Any]:
    """One item of a dataset: image in [-1, 1], label remapped, instance as stored."""
    about = dataset_class(DATASETS[case.arguments["dataset_mode"]])
    resolution, training = case.arguments["resolution"], case.arguments["is_train"]
    letter = next(iter(case.inputs)).rsplit("_", 1)[1]
    example = _example(case, letter)
    if about.keeps_aspect:
        item = transforms.resize_short_side(example, resolution)
    elif training and not case.arguments["random_crop"]:
        item = transforms.center_crop(example, resolution)
    else:
        item = transforms.resize(example, (resolution, resolution), resolution)
    if case.arguments["random_flip"]:
        item = transforms.flip(item)
    assert item.image is not None
    assert item.instance is not None
    return {
        "image": item.image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1,
        "label": about.label_ids(item.label)[None],
        "label_ori": item.label,
        "instance": item.instance[None],
    }


def eight_bit_instances(case: Case) -> dict[str, Any]:
    """16-bit instance ids as the released loader reads them."""
    ids = case.inputs["instance16"].astype(np.int32)
    read = transforms.saturated_instances(Example("", None, np.zeros(ids.shape, np.int64), ids)).instance
    return dict.fromkeys(case.stored, read)


def _example(case: Case, letter: str) -> Example:
    image, label, instance = (case.inputs[f"{part}_{letter}"] for part in ("image", "label", "instance"))
    return Example(letter, image, label.astype(np.int64), instance.astype(np.int32))


HANDLERS = [
    (lambda case: "instance16" in case.inputs, eight_bit_instances),
    (lambda case: "image_datasets.py resize_arr" in case.about["source"], transform_outputs),
    (lambda case: "dataset_mode" in case.arguments and "ImageDataset" in case.about["source"], dataset_item),
]
