"""A trained network from wherever it lies: a run's folder, a weights file, a released checkpoint, the shipped toys."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.catalog import dataset_class
from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.models import catalog
from sdm_bench.tensors import Tensors, load_strictly
from sdm_bench.training.checkpoints import WeightsAbout, read_weights
from sdm_bench.training.runs import TrainingRun

SHIPPED = "toy"


class FirstWeights(NamedTuple):
    """A tensor whose second axis counts the condition's channels, and `further` ones."""

    key: str
    further: int = 0


CONDITION_WEIGHTS = {
    "sdm": FirstWeights("middle_block.0.in_norm.mlp_shared.0.weight"),
    "sdm-concat": FirstWeights("input_blocks.0.0.weight", 3),
    "spade": FirstWeights("fc.weight"),
}
RELEASED_RECIPES = {"sdm": "sdm-released"}
"""How the authors' checkpoints want their input, where that differs from how the program trains."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its weights, the configuration it was built from, and where the weights came from."""

    network: nn.Module
    config: Any
    about: WeightsAbout
    source: str
    sha256: str


def load_trained(
    source: Path | str, method: str | None = None, dataset: str | None = None, preset: str = "paper"
) -> TrainedNetwork:
    """The trained network at `source`.

    source: the folder of a training run, a weights file with its JSON beside it, `toy` for the shipped checkpoint of
    `method`, or a bare state dict, for which method, dataset and preset say what it is. Raises UserError where the file
    doesn't fit them, listing the keys that differ.
    """
    tensors, about, path = _read(source, method, dataset, preset)
    if method is not None and about.method != method:
        raise UserError(f"--method {method}: {source} holds weights of {about.method}")
    config = catalog.network_config(about.method, about.network)
    network = catalog.build_network(about.method, config)
    load_strictly(network, tensors, str(source))
    return TrainedNetwork(network.eval(), config, about, str(source), sha256_file(path))


def shipped_weights(name: str) -> Path:
    """The checkpoint of `name` for the toy Cityscapes that comes with the program."""
    path = Path(str(resources.files("sdm_bench.weights").joinpath(f"toy/{name}.safetensors")))
    if not path.is_file():
        raise UserError(f"no toy checkpoint of '{name}' ships with the program; `make toy-checkpoints` trains them")
    return path


def _read(
    source: Path | str, method: str | None, dataset: str | None, preset: str
) -> tuple[Tensors, WeightsAbout, Path]:
    if str(source) == SHIPPED:
        if method is None:
            raise UserError("--checkpoint toy: say which with --method")
        source = shipped_weights(method)
    path = Path(source)
    if path.is_dir():
        run = TrainingRun(path)
        return *run.weights(), run.weights_file()
    tensors, stored = read_weights(path)
    return tensors, stored or _described(path, tensors, method, dataset, preset), path


def _described(path: Path, tensors: Tensors, method: str | None, dataset: str | None, preset_name: str) -> WeightsAbout:
    """What a bare state dict is, from the command's options and, for the edge channel, its own shapes."""
    if method is None or dataset is None:
        raise UserError(f"{path}: a bare state dict; say what it is with --method and --dataset (and --preset)")
    chosen = catalog.preset(method, preset_name, dataset)
    network = {**chosen.network, "num_classes": len(ClassTable.shipped(dataset))}
    network["edges"] = _has_edges(path, tensors, method, network["num_classes"], network["edges"])
    recipe = RELEASED_RECIPES.get(method, chosen.training.recipe)
    return WeightsAbout(
        method=method,
        dataset=dataset,
        network=catalog.network_config(method, network).model_dump(mode="json"),
        image_size=dataset_class(dataset).size(chosen.image_size),
        diffusion=chosen.diffusion.model_dump() if chosen.diffusion else None,
        sampling=chosen.sampling.model_dump(),
        training={"training": {"recipe": recipe}},
    )


def _has_edges(path: Path, tensors: Tensors, method: str, num_classes: int, preset: bool) -> bool:
    """Whether a state dict was trained with an edge channel; as the preset has it, where the weights don't tell."""
    if method not in CONDITION_WEIGHTS or CONDITION_WEIGHTS[method].key not in tensors:
        return preset
    about = CONDITION_WEIGHTS[method]
    channels = tensors[about.key].shape[1] - about.further
    if channels not in (num_classes, num_classes + 1):
        raise UserError(
            f"{path}: {about.key} takes {channels} channels of condition; expected {num_classes} classes, "
            f"or {num_classes + 1} with an edge channel"
        )
    return channels > num_classes
