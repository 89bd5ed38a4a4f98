"""A trained network from wherever it lies: a run's folder, a weights file, a released checkpoint, the shipped toys."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from torch import nn

from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.models import catalog
from sdm_bench.progress import say
from sdm_bench.recognition import ENCODER, Candidate, recognised
from sdm_bench.tensors import Tensors, load_strictly
from sdm_bench.training.checkpoints import WeightsAbout, read_weights, single
from sdm_bench.training.runs import TrainingRun
from sdm_bench.weights.packs import released

SHIPPED = "toy"


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
    source: Path | str, method: str | None = None, dataset: str | None = None, preset: str | None = None
) -> TrainedNetwork:
    """The trained network at `source`.

    source: the folder of a training run, a weights file with its JSON beside it, `toy` for the shipped checkpoint of
    `method`, or a released checkpoint as its authors packed it, for which method and dataset say what it is; the preset
    is found, or checked where it is given. Raises UserError where the file doesn't fit, listing the keys that differ.
    """
    if str(source) == SHIPPED:
        if method is None:
            raise UserError("--checkpoint toy: say which with --method")
        source = shipped_weights(method)
    path = Path(source)
    if TrainingRun(path).exists:
        run = TrainingRun(path)
        return _own(path, *run.weights(), run.weights_file(), method)
    if path.is_file() and path.with_suffix(".json").is_file():
        tensors, about = read_weights(path)
        assert about is not None
        return _own(path, tensors, about, path, method)
    return _released(path, method, dataset, preset)


def _own(path: Path, tensors: Tensors, about: WeightsAbout, file: Path, method: str | None) -> TrainedNetwork:
    """A network that this program trained."""
    if method is not None and about.method != method:
        raise UserError(f"--method {method}: {path} holds weights of {about.method}")
    config = catalog.network_config(about.method, about.network)
    network = catalog.build_network(about.method, config)
    load_strictly(network, tensors, str(path))
    return TrainedNetwork(network.eval(), config, about, str(path), sha256_file(file))


def _released(path: Path, method: str | None, dataset: str | None, preset: str | None) -> TrainedNetwork:
    """A network that its authors trained."""
    if not path.exists():
        raise UserError(f"{path}: no such run, weights file or archive")
    if method is None or dataset is None:
        raise UserError(
            f"{path}: neither a run nor a weights file of this program; "
            "of a released checkpoint say what it is with --method and --dataset"
        )
    with released(path, dataset) as files:
        generator, encoder = files.tensors()
        digest = sha256_file(files.generator)
    tensors = generator | {f"{ENCODER}{key}": value for key, value in encoder.items()}
    found = recognised(path, tensors, method, dataset, preset)
    say(f"{path}: matches {found.title()}")
    network = found.network(encoder=bool(encoder))
    load_strictly(network, {key: single(value) for key, value in tensors.items()}, str(path))
    return TrainedNetwork(network.eval(), found.config, _described(found), str(path), digest)


def shipped_weights(name: str) -> Path:
    """The checkpoint of `name` for the toy Cityscapes that comes with the program."""
    path = Path(str(resources.files("sdm_bench.weights").joinpath(f"toy/{name}.safetensors")))
    if not path.is_file():
        raise UserError(f"no toy checkpoint of '{name}' ships with the program; `make toy-checkpoints` trains them")
    return path


def _described(found: Candidate) -> WeightsAbout:
    """What a preset says of the weights that fit it."""
    chosen = found.preset
    recipe = RELEASED_RECIPES.get(found.method, chosen.training.recipe)
    return WeightsAbout(
        method=found.method,
        dataset=found.dataset,
        network=found.config.model_dump(mode="json"),
        image_size=found.image_size,
        diffusion=chosen.diffusion.model_dump() if chosen.diffusion else None,
        sampling=chosen.sampling.model_dump(),
        training={"training": {"recipe": recipe}},
    )
