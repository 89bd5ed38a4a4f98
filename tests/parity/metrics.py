"""Parity of the metrics with clean-fid, pytorch-fid, LPIPS and the official mean IoU programs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from sdm_bench.metrics import frechet, kernel, miou, resize
from sdm_bench.metrics.efficientnet import EfficientNetLite0
from sdm_bench.metrics.inception import FIDInception
from sdm_bench.metrics.lpips_diversity import LPIPS, diversity
from sdm_bench.weights.layouts import LPIPS_SLICES
from tests.parity.cases import Case, fill, keys_and_shapes, weight
from tests.parity.not_supported import NotSupportedError


def inception(case: Case) -> dict[str, Any]:
    """The outputs of the four blocks, after resizing and scaling as the arguments say."""
    network = FIDInception(classifier=any(key == "fc.weight" for key, _ in case.about["state_dict"]))
    assert keys_and_shapes(network) == case.about["state_dict"], "state-dict keys or shapes differ"
    fill(network, case.about["state_dict"])
    out: dict[str, Any] = {}
    for name in case.inputs:
        suffix = name.removeprefix("x")
        blocks = _inception_blocks(case, network, name)
        pooled = blocks[3].flatten(1)
        out |= {f"block_{k}{suffix}": block for k, block in enumerate(blocks)}
        out |= {f"pool3{suffix}": pooled, f"pool3_sum{suffix}": pooled.double().sum(1)}
    return _asked_for(case, out)


def _inception_blocks(case: Case, network: FIDInception, name: str) -> list[torch.Tensor]:
    x = case.tensor(name)
    if case.arguments.get("resize_input", True):
        x = F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
    with torch.no_grad():
        return network.blocks(2 * x - 1 if case.arguments.get("normalize_input", True) else x)


def efficientnet(case: Case) -> dict[str, Any]:
    """What the stem, every block, the head and the pooling give of each input."""
    network = EfficientNetLite0()
    assert keys_and_shapes(network) == case.about["state_dict"], "state-dict keys or shapes differ"
    fill(network, case.about["state_dict"])
    out: dict[str, Any] = {}
    for name in case.inputs:
        suffix = name.removeprefix("x")
        with torch.no_grad():
            stages = network.stages(case.tensor(name))
        out |= {f"stem{suffix}": stages[0], f"head{suffix}": stages[-1], f"features{suffix}": stages[-1].mean((2, 3))}
        out |= {f"after__blocks.{number}{suffix}": stage for number, stage in enumerate(stages[1:-1])}
    return _asked_for(case, out)


def frechet_distance(case: Case) -> dict[str, Any]:
    """Moments, the distance from features and from statistics, and the trace of the root."""
    first, second = case.inputs["features_1"], case.inputs["features_2"]
    a, b = frechet.statistics(first), frechet.statistics(second)
    distance = frechet.frechet_distance(first, second)
    spread = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance)
    out = {"mu_1": a.mean, "mu_2": b.mean, "sigma_1": a.covariance, "sigma_2": b.covariance}
    out |= {"fid": [frechet.frechet_distance(a, b)], "fid_exact": [distance], "trace_term": [(spread - distance) / 2]}
    return _asked_for(case, out)


def kernel_distance(case: Case) -> dict[str, Any]:
    """The distance of the first rows of both sets, as many as both have, and the mean over random subsets."""
    first, second = case.inputs["features_1"], case.inputs["features_2"]
    about = case.arguments
    both = min(len(first), len(second))
    subsets = kernel.subset_kernel_distance(
        first, second, about.get("subsets", 100), about.get("subset_size", 1000), about["seed"]
    )
    full = kernel.kernel_distance(first[:both], second[:both])
    out = {"kid_full": [full.value], "kid_subsets": [subsets.mean], "kid_subsets_float32": [subsets.mean]}
    return _asked_for(case, out)


def resizing(case: Case) -> dict[str, Any]:
    """The picture in every named mode, as float32 values 0..255 (0..1 for the SDM script)."""
    image = case.inputs["image"]
    squashed = resize.sdm_squash(image)
    out = {
        "clean": resize.clean(image),
        "legacy_pytorch": resize.legacy_pytorch(image),
        "pil_bicubic_8bit": resize.pillow_8bit(image),
        "pil_bilinear_float": resize.pillow(image, Image.Resampling.BILINEAR),
        "sdm_fid_folder_256": squashed / 255,
        "sdm_fid_folder_299": resize.sdm(image) / 255,
    }
    return _asked_for(case, out)


def lpips(case: Case) -> dict[str, Any]:
    """Distances, per layer and per position, with the linear weights and with ones in their place."""
    about = case.arguments
    if about.get("version", "0.1") != "0.1":
        raise NotSupportedError("LPIPS version", about["version"])
    linear = {name: torch.as_tensor(value) for name, value in case.inputs.items() if name.startswith("lin")}
    tensors = {name: value.reshape(1, -1, 1, 1) for name, value in linear.items()}
    tensors |= {key: torch.from_numpy(weight(key, tuple(shape))) for key, shape in case.about["state_dict"]}
    plain = {name: torch.ones_like(value) if name.startswith("lin") else value for name, value in tensors.items()}
    network, unweighted = _lpips(about["net"], tensors), _lpips(about["net"], plain)
    out: dict[str, Any] = {}
    for name in (name for name in case.inputs if name.startswith("image_0")):
        suffix = name.removeprefix("image_0")
        first, second = case.tensor(name), case.tensor(f"image_1{suffix}")
        features = network.features(first), network.features(second)
        size = tuple(first.shape[2:])
        raised = [F.interpolate(each, size=size, mode="bilinear") for each in network.maps(*features)]
        out[f"distance{suffix}"] = network(first, second)
        out[f"per_layer{suffix}"] = network.per_layer(*features)
        out[f"spatial{suffix}"] = torch.stack(raised).sum(0)
        out[f"distance_without_linear_weights{suffix}"] = unweighted(first, second)
    return _asked_for(case, out)


def _lpips(net: Any, tensors: dict[str, torch.Tensor]) -> LPIPS:
    with torch.device("meta"):
        network = LPIPS(net)
    return network.load(tensors)


def sdm_lpips(case: Case) -> dict[str, Any]:
    """The SDM repository's mean over a batch of the distance of one pair, and of all pairs."""
    network = _lpips("alex", _sdm_tensors(case))
    images = [case.tensor(name) for name in sorted(case.inputs)]
    pairs = [(i, j) for i in range(len(images)) for j in range(i + 1, len(images))]
    each = [network(images[i], images[j]).mean() for i, j in pairs]
    per_map = [diversity(network, torch.stack(samples)).mean for samples in zip(*images, strict=True)]
    out = {"pair_0_1": each[0][None], "all_pairs": torch.stack(each), "mean_of_pairs": [np.mean(per_map)]}
    return _asked_for(case, out)


def _sdm_tensors(case: Case) -> dict[str, torch.Tensor]:
    tensors = {}
    for key, shape in case.about["state_dict"]:
        module, *_, index, kind = key.split(".")
        if module == "alexnet":
            part = next(k for k, end in enumerate(LPIPS_SLICES["alex"], start=1) if int(index) < end)
            name = f"net.slice{part}.{index}.{kind}"
        else:
            name = f"lin{key.split('.')[1]}.model.1.weight"
        tensors[name] = torch.from_numpy(weight(key, tuple(shape)))
    return tensors


def mean_iou(case: Case) -> dict[str, Any]:
    """The confusion matrix and what the three official programs make of it."""
    classes, ignored = case.arguments["num_classes"], case.arguments["ignore_label"]
    label, prediction = case.inputs["label"], case.inputs["prediction"]
    confusion = miou.confusion_matrix(label, prediction, classes, ignored)
    ious = miou.iou_per_class(confusion)
    kept = np.where(label == ignored, classes, label)
    everywhere = miou.confusion_matrix(kept, prediction, classes + 1, None)
    drn, accuracy = miou.mean_iou(confusion, "union"), miou.pixel_accuracy(confusion)
    out = {
        "confusion": confusion,
        "drn_iou_nan": ious,
        "drn_miou": [round(100 * drn, 2), 100 * drn],
        "csail_intersection": miou.intersection(confusion),
        "csail_union": miou.union(confusion),
        "csail_iou": np.nan_to_num(ious),
        "csail_miou": [miou.mean_iou(confusion, "all")],
        "csail_accuracy": [accuracy],
        "csail_union_if_ignore_left_at_255": miou.union(everywhere)[:classes],
        "kazuto_iou_nan": ious,
        "kazuto_miou": [miou.mean_iou(confusion, "labels")],
        "kazuto_pixel_mean_fw": [accuracy, miou.mean_accuracy(confusion), miou.frequency_weighted_iou(confusion)],
    }
    return _asked_for(case, out)


def unsupported(case: Case) -> dict[str, Any]:
    """What the program does not compute."""
    raise NotSupportedError("words")


def _asked_for(case: Case, out: dict[str, Any]) -> dict[str, Any]:
    return {name: out[name] for name in case.stored if name in out}


def _source(text: str) -> Callable[[Case], bool]:
    return lambda case: text in case.about["source"] and bool(case.stored)


HANDLERS: list[tuple[Callable[[Case], bool], Callable[[Case], dict[str, Any]]]] = [
    (_source("pytorch_fid/inception.py"), inception),
    (_source("efficientnet_lite_pytorch/model.py"), efficientnet),
    (_source("calculate_frechet_distance"), frechet_distance),
    (_source("cleanfid/resize.py"), resizing),
    (_source("PerceptualSimilarity@"), lpips),
    (_source("evaluations/lpips.py"), sdm_lpips),
    (lambda case: "confusion" in case.stored, mean_iou),
    (_source("kernel_distance"), kernel_distance),
    (lambda case: "evaluations/fid_folder" in case.about["source"], unsupported),
]
