"""A trained generator from wherever it lies: a run, a weights file, the shipped toys, a released checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.tensors import build_fitting, load_strictly, tensors_sha256
from sdm_bench.checkpoints.matching import ENCODER, PresetMatch, match_preset
from sdm_bench.checkpoints.shipped import SHIPPED, shipped_weights
from sdm_bench.checkpoints.stored import StoredNetwork, find_stored
from sdm_bench.checkpoints.weights_file import WeightsAbout, single
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.models import methods
from sdm_bench.models.preset import flags_of
from sdm_bench.weights.packs import released

# How the authors' checkpoints want their input, where that differs from how the program trains.
RELEASED_RECIPES = {"sdm": "sdm-released"}


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its weights, the configuration it was built from, and where the weights came from.

    sha256: over all tensors that were loaded, an encoder's too, whatever files they lay in.
    """

    network: nn.Module
    config: Any
    about: WeightsAbout
    source: str
    sha256: str


@dataclass(frozen=True)
class WeightsSpec:
    """Which weights: a run's folder, or a checkpoint, of which `method` and `preset` say what it is if it doesn't.

    raw: where there are weights and their average over the training, the weights. process: fields of DiffusionPreset,
    how a released checkpoint was trained where that is not as its preset says.
    """

    run: Path | None = None
    method: str | None = None
    checkpoint: str | None = None
    preset: str | None = None
    raw: bool = False
    process: dict[str, Any] = field(default_factory=dict)

    def load(self, dataset: str | None) -> TrainedNetwork:
        """The trained network; raises UserError where it's not said which."""
        if self.run is not None and self.checkpoint is None:
            return load_generator(self.run, self.method, dataset, self.preset, self.raw, self.process)
        if self.checkpoint is None or self.run is not None:
            raise UserError("say which weights: either a run's folder, or --method with --checkpoint")
        return load_generator(self.checkpoint, self.method, dataset, self.preset, self.raw, self.process)


def load_generator(
    source: Path | str,
    method: str | None = None,
    dataset: str | None = None,
    preset: str | None = None,
    raw: bool = False,
    process: dict[str, Any] | None = None,
) -> TrainedNetwork:
    """The trained generator at `source`.

    source: the folder of a training run, a weights file with its JSON beside it, `toy` for the shipped checkpoint of
    `method` for `dataset`, by default Cityscapes, or a released checkpoint as its authors packed it, for which method
    and dataset say what it is; the preset is found, or checked where it is given. raw: not the average, where there are
    both. process: see WeightsSpec. Raises UserError where the file doesn't fit, listing the keys that differ.
    """
    if str(source) == SHIPPED:
        if method is None:
            raise UserError("--checkpoint toy: say which with --method")
        source = shipped_weights(method, dataset)
    stored = find_stored(source, raw)
    if stored is None:
        return _load_released(Path(source), method, dataset, preset, raw, process or {})
    if process:
        raise UserError(f"{flags_of(process)}: {stored.source} says itself how it was trained")
    return _load_stored(stored, method, preset)


def _load_stored(stored: StoredNetwork, method: str | None, preset: str | None) -> TrainedNetwork:
    about, source = stored.about, stored.source
    if method is not None and about.method != method:
        raise UserError(f"--method {method}: {source} holds weights of {about.method}")
    trained_as = about.training.get("preset")
    if preset is not None and trained_as != preset:
        raise UserError(f"--preset {preset}: {source} was trained with preset '{trained_as}'")
    config = methods.network_config(about.method, about.network)
    network = build_fitting(lambda: methods.build_network(about.method, config), stored.tensors, source)
    return TrainedNetwork(network.eval(), config, about, source, tensors_sha256(network.state_dict()))


def _load_released(
    path: Path, method: str | None, dataset: str | None, preset: str | None, raw: bool, process: dict[str, Any]
) -> TrainedNetwork:
    """A network that its authors trained."""
    if not path.exists():
        raise UserError(f"{path}: no such run, weights file or archive")
    if method is None or dataset is None:
        raise UserError(
            f"{path}: neither a run nor a weights file of this program; "
            "of a released checkpoint say what it is with --method and --dataset"
        )
    if dataset_class(dataset) is Folder:
        raise UserError(f"{path}: a released checkpoint is of a published dataset, not of '{dataset}'")
    with released(path, dataset) as files:
        generator, encoder = files.tensors(raw)
    tensors = generator | {f"{ENCODER}{key}": value for key, value in encoder.items()}
    found = match_preset(path, tensors, method, dataset, preset)
    say(f"{path}: matches {found.title()}")
    network = found.network(encoder=bool(encoder))
    load_strictly(network, {key: single(value) for key, value in tensors.items()}, str(path))
    digest = tensors_sha256(network.state_dict())
    return TrainedNetwork(network.eval(), found.config, _describe(found, process), str(path), digest)


def _describe(found: PresetMatch, process: dict[str, Any]) -> WeightsAbout:
    """What a preset says of the weights that fit it, and the user of how they were trained."""
    chosen, diffusion, sampling = found.preset, found.preset.diffusion, found.preset.sampling
    if process and diffusion is None:
        raise UserError(f"{flags_of(process)}: {found.method} is a GAN; diffusion models take it")
    if process.get("sigma_small") and not found.fixed_variance:
        raise UserError(f"--sigma-small: of fixed variances; these weights are of {found.title()}")
    if process and diffusion is not None:
        diffusion = diffusion.changed(process)
        sampling = sampling.within(diffusion.steps)
    recipe = RELEASED_RECIPES.get(found.method, chosen.training.recipe)
    return WeightsAbout(
        method=found.method,
        dataset=found.dataset,
        network=found.config.model_dump(mode="json"),
        image_size=found.image_size,
        diffusion=diffusion.model_dump() if diffusion else None,
        sampling=sampling.model_dump(),
        training={"training": {"recipe": recipe}},
    )
