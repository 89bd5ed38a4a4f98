"""A trained network as a function from a label map and a seed to a picture."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from sdm_bench.api.arguments import naming_arguments
from sdm_bench.api.pictures import Place
from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import refuse_weights
from sdm_bench.checkpoints.generators import TrainedNetwork, load_generator
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.datasets.transforms import Transform
from sdm_bench.models import methods
from sdm_bench.sampling.chosen import recipe_of, refuse_idle_options, sampling_of, say_guidance, synthesizer_of
from sdm_bench.sampling.generate import pictures_of
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed


class LoadedMethod:
    """Makes a picture of a label map.

    method: its name. dataset: what it was trained on. size: (height, width) of its pictures. num_classes: label maps
    hold 0 to num_classes - 1. needs_instances: whether it wants an instance map. stochastic: whether another seed gives
    another picture. sampling: solver, steps, guidance and the like of a diffusion model. sha256: over its weights.
    """

    def __init__(self, trained: TrainedNetwork, sampling: SamplingOptions, device: str):
        about = trained.about
        diffusion = methods.method(about.method).kind == "diffusion"
        self.method: str = about.method
        self.dataset: str = about.dataset
        self.size: tuple[int, int] = about.image_size
        self.num_classes: int = trained.config.num_classes
        self.needs_instances: bool = trained.config.edges and not getattr(trained.config, "instances_of_labels", False)
        self.stochastic: bool = diffusion or trained.config.stochastic
        self.sampling = sampling
        self.sha256: str = trained.sha256
        keeps_aspect = about.dataset in DATASETS and DATASETS[about.dataset].keeps_aspect
        self._transform = Transform(recipe_of(trained), self.size, keeps_aspect, training=False)
        self._synthesizer = synthesizer_of(trained, sampling, device, Speed())

    def __repr__(self) -> str:
        height, width = self.size
        return f"<{self.method} of {self.dataset}, {width}x{height}, weights {self.sha256[:8]}>"

    @naming_arguments
    def __call__(
        self, label: np.ndarray | Example, seed: int = 0, *, instance: np.ndarray | None = None, id: str | None = None
    ) -> np.ndarray:
        """The picture of a label map for a seed, uint8 (H, W, 3) RGB at `size`.

        label: integers (h, w) of any size, classes as the dataset numbers them, resized to the nearest value; or an
        Example of a dataset, whose instance map and id are taken. instance: integers (h, w), equal inside one object.
        id: a part of the seed. With an example, or its id, it is the picture that `sdm-bench generate` writes, up to
        rounding; without it is "". Raises UserError for classes that there are not and for a missing instance map.
        """
        example = self._example(label, instance, id)
        read = self._transform(example)
        # libraries round a single picture otherwise than several
        return pictures_of(self._synthesizer, [read, read], seed, self.num_classes)[0]

    def _example(self, label: np.ndarray | Example, instance: np.ndarray | None, id: str | None) -> Example:
        if isinstance(label, Example):
            if instance is not None or id is not None:
                raise UserError("instance, id: an example has its own; give its label map to choose others")
            example = replace(label, image=None)
        else:
            maps = np.asarray(label), None if instance is None else np.asarray(instance)
            example = Example(id or "", None, *maps)
        self._refuse_misfit(example)
        if not self.needs_instances:
            return replace(example, label=example.label.astype(np.int64), instance=example.instance)
        assert example.instance is not None
        return replace(example, label=example.label.astype(np.int64), instance=example.instance.astype(np.int32))

    def _refuse_misfit(self, example: Example) -> None:
        label, instance = example.label, example.instance
        if label.ndim != 2 or label.dtype.kind not in "iu" or 0 in label.shape:
            raise UserError(f"label: array {label.dtype} {label.shape}; expected integers (height, width)")
        outside = np.unique(label[(label < 0) | (label >= self.num_classes)])
        if outside.size:
            named = ", ".join(map(str, outside[:5]))
            raise UserError(f"label: classes {named}; {self.method} of {self.dataset} knows 0..{self.num_classes - 1}")
        if instance is None and self.needs_instances:
            raise UserError(f"instance: {self.method} of {self.dataset} has an instance edge channel; give the map")
        if instance is not None and (instance.shape != label.shape or instance.dtype.kind not in "iu"):
            raise UserError(f"instance: array {instance.dtype} {instance.shape}; expected integers {label.shape}")


@naming_arguments
def load(
    run_or_checkpoint: Place,
    method: str | None = None,
    dataset: str | None = None,
    preset: str | None = None,
    *,
    raw: bool = False,
    device: str = "auto",
    solver: str | None = None,
    solver_steps: int | None = None,
    guidance: float | None = None,
    eta: float | None = None,
    threshold: str | None = None,
    precision: str | None = None,
    timestep_respacing: str | None = None,
) -> LoadedMethod:
    """A trained network that makes a picture of a label map and a seed.

    run_or_checkpoint: the folder of `sdm-bench train`, a weights file, `toy` for what ships with the program (method
    `sdm`, `sdm-concat` or `spade`; dataset, by default `cityscapes`), or a released checkpoint as its authors packed
    it, for which method and dataset say what it is. raw: the weights, where their average over the training is there
    too. solver to timestep_respacing: of diffusion models, as `sdm-bench generate` has them; None: the preset's. Raises
    UserError where files don't fit.

    >>> import sdm_bench as sb
    >>> sb.write_toy("cityscapes", "scenes", {"val": 1}, size=(32, 64))
    >>> scene = sb.datasets.open("cityscapes", "scenes")[0]
    >>> paint = sb.load("toy", method="sdm", solver_steps=3, guidance=1)
    >>> picture = paint(scene.label, seed=7, instance=scene.instance)
    >>> picture.shape, picture.dtype
    ((32, 64, 3), dtype('uint8'))
    >>> (picture == paint(scene.label, seed=7, instance=scene.instance)).all()
    np.True_
    """
    chosen: dict[str, Any] = {
        "solver": solver,
        "solver_steps": solver_steps,
        "guidance": guidance,
        "eta": eta,
        "threshold": threshold,
        "precision": precision,
        "timestep_respacing": timestep_respacing,
    }
    asked = SamplingOptions(**chosen)
    source = Path(run_or_checkpoint) if isinstance(run_or_checkpoint, PathLike) else run_or_checkpoint
    trained = load_generator(source, method, dataset, preset, raw)
    refuse_idle_options(trained.about.method, asked, Speed())
    refuse_weights(trained.network.state_dict(), trained.source)
    sampling = SamplingOptions(**sampling_of(trained, asked))
    say_guidance(sampling.guidance, guidance, trained)
    return LoadedMethod(trained, sampling, device)
