"""A trained segmenter from wherever it lies: a run, a weights file, the toy, published weights, MMSegmentation."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.base.tensors import build_fitting, load_strictly, read_tensors, tensors_sha256
from sdm_bench.checkpoints.shipped import SHIPPED, shipped_weights
from sdm_bench.checkpoints.stored import StoredNetwork, find_stored, is_stored
from sdm_bench.checkpoints.weights_file import WeightsAbout, single
from sdm_bench.datasets.base import ClassTable
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.weights.store import load_weights
from segmenters.architectures import ARCHITECTURES, build_noisy, build_segmenter, load, released_files, released_names
from segmenters.configured import PREFIX, load_configured, named_files
from segmenters.prediction import Segmenter
from segmenters.preprocessing import PREPROCESSING


def load_segmenter(
    source: str,
    dataset: str,
    classes: ClassTable,
    device: torch.device,
    pinned: Mapping[str, str] | None = None,
) -> Segmenter:
    """The segmenter at `source`.

    source: a run of `sdm-bench segment train`, a weights file with its JSON, a registry name, `toy` for the shipped one
    of the dataset, "mmseg:CONFIG.py,CHECKPOINT.pth", or "drn-c-26:FILE.pth" for an architecture's file as its authors'
    program writes it. pinned: digests of registry weights, as a protocol states them. Raises UserError where it is of
    another dataset or doesn't fit.
    """
    if source in released_names():
        return _load_released(source, classes, device, pinned)
    if source.startswith(PREFIX):
        return load_configured(source, classes, device)
    name, colon, file = source.partition(":")
    if colon and name in ARCHITECTURES:
        return _load_file(name, Path(file), classes, device)
    stored = find_stored(shipped_weights("unet", dataset) if source == SHIPPED else source)
    if stored is None:
        raise _unknown(source)
    return _load_stored(stored, source, dataset, classes, device)


def refuse_unknown(source: str) -> None:
    """Raises UserError where `load_segmenter` would find nothing of that name or place; nothing is read."""
    name, colon, file = source.partition(":")
    if source.startswith(PREFIX):
        named_files(source)
    elif colon and name in ARCHITECTURES:
        if not Path(file).is_file():
            raise UserError(f"--segmenter {source}: {file}: no such file")
    elif source not in released_names() and source != SHIPPED and not is_stored(Path(source)):
        raise _unknown(source)


def _unknown(source: str) -> UserError:
    lone = Path(source)
    if lone.is_file():
        return UserError(
            f"--segmenter {source}: expected {lone.stem}.json beside it, which says what it holds; of a file as "
            f"its authors' program writes it say ARCHITECTURE:{source}"
        )
    known = ", ".join([*released_names(), SHIPPED])
    return UserError(f"--segmenter {source}: neither a run, nor a weights file, nor one of {known}")


def _load_stored(
    stored: StoredNetwork, source: str, dataset: str, classes: ClassTable, device: torch.device
) -> Segmenter:
    """Its options and the size it was trained at decide predictions too, so that the digest covers them."""
    about = stored.about
    if about.method in ARCHITECTURES and about.diffusion is not None:
        raise UserError(f"--segmenter {source}: sees noisy pictures, to guide `generate`; expected one without --noisy")
    _refuse_other(about, source, dataset, classes)
    network = build_fitting(lambda: build_segmenter(about.method, **about.network), stored.tensors, stored.source)
    options = json.dumps([about.method, about.network, about.image_size], sort_keys=True)
    digest = sha256_lines([tensors_sha256(network.state_dict()), options])
    return Segmenter(f"{about.method} ({source})", network.to(device).eval(), about.image_size, digest, device)


def _refuse_other(about: WeightsAbout, source: str, dataset: str, classes: ClassTable) -> None:
    """Raises UserError where a trained network is no segmenter of the dataset's classes."""
    if about.dataset != dataset:
        raise UserError(f"--segmenter {source}: trained on {about.dataset}; expected one for {dataset}")
    if about.method not in ARCHITECTURES:
        raise UserError(f"--segmenter {source}: holds a {about.method}; expected one of {', '.join(ARCHITECTURES)}")
    table = about.training.get("classes_sha256")
    if table and table != classes.digest():
        raise UserError(f"--segmenter {source}: trained on {dataset} with other classes")
    found, expected = about.network.get("num_classes"), len(classes.evaluated_names)
    if found != expected:
        raise UserError(f"--segmenter {source}: a network of {found} classes; expected the dataset's {expected}")


def load_guiding(
    source: str, dataset: str, classes: ClassTable, size: tuple[int, int], process: DiffusionPreset
) -> tuple[nn.Module, str]:
    """The segmenter of noisy pictures at `source`, on the CPU in evaluation mode, and its digest.

    source: a run of `sdm-bench segment train --noisy`, or a weights file with its JSON. size, process: of what it is to
    guide. Raises UserError where it is of another dataset, size or noise schedule, or sees no noise.
    """
    stored = find_stored(source)
    if stored is None:
        raise UserError(f"--segmenter {source}: neither a run of `segment train --noisy` nor a weights file of one")
    about = stored.about
    if about.method not in ARCHITECTURES or about.diffusion is None:
        raise UserError(f"--segmenter {source}: holds no segmenter of noisy pictures; expected `segment train --noisy`")
    _refuse_other(about, source, dataset, classes)
    trained, wanted = DiffusionPreset(**about.diffusion), process
    if (trained.schedule, trained.steps) != (wanted.schedule, wanted.steps):
        raise UserError(
            f"--segmenter {source}: trained on noise of the {trained.schedule} schedule in {trained.steps} steps; "
            f"expected {wanted.schedule} in {wanted.steps}"
        )
    if about.image_size != size:
        found, expected = (f"{width}x{height}" for height, width in (about.image_size, size))
        raise UserError(f"--segmenter {source}: trained on pictures of {found} pixels; expected {expected}")
    network = build_fitting(lambda: build_noisy(about.method, **about.network), stored.tensors, stored.source)
    options = json.dumps([about.method, about.network, about.image_size, about.diffusion], sort_keys=True)
    return network.eval().requires_grad_(False), sha256_lines([tensors_sha256(network.state_dict()), options])


def _load_file(name: str, file: Path, classes: ClassTable, device: torch.device) -> Segmenter:
    """A network that its authors' program trained, fed as they feed it."""
    about, source = ARCHITECTURES[name], f"{name}:{file}"
    if about.preprocessing is None:
        raise UserError(f"--segmenter {source}: the authors of {name} don't say how it is fed; expected a run")
    tensors = load(about.from_released)({key: single(value) for key, value in read_tensors(file).items()})
    network = build_segmenter(name, num_classes=len(classes.evaluated_names))
    load_strictly(network, tensors, str(file))
    digest = tensors_sha256(network.state_dict())
    return Segmenter(source, network.to(device).eval(), None, digest, device, PREPROCESSING[about.preprocessing])


def _load_released(name: str, classes: ClassTable, device: torch.device, pinned: Mapping[str, str] | None) -> Segmenter:
    prefixes = released_files(name)
    files = load_weights(prefixes, pinned)
    tensors = {f"{prefixes[part]}{key}": value for part, held in files.items() for key, value in held.items()}
    architecture = released_names()[name]
    network = build_segmenter(architecture.name, num_classes=len(classes.evaluated_names))
    load_strictly(network, load(architecture.from_released)(tensors), name)
    return Segmenter(
        name=name,
        network=network.to(device).eval(),
        image_size=architecture.released_weights[name],
        sha256=tensors_sha256(network.state_dict()),
        device=device,
        preprocessing=PREPROCESSING[architecture.preprocessing] if architecture.preprocessing else None,
    )
