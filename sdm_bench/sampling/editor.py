"""What edits: a trained network, how it keeps what is known, and what it has to be told of the maps it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sdm_bench.base.devices import pick_device
from sdm_bench.base.drawing import to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import refuse_pictures
from sdm_bench.checkpoints.generators import TrainedNetwork
from sdm_bench.conditioning import Condition, photographs
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.folder import CLASSES_FILE, Folder
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.datasets.pairs import EditPair
from sdm_bench.diffusion.editing import Inpainting, Known
from sdm_bench.diffusion.solvers import SolverState
from sdm_bench.models import methods
from sdm_bench.sampling.chosen import synthesizer_of
from sdm_bench.sampling.classifier import GuidingSegmenter
from sdm_bench.sampling.synthesizers import DiffusionSynthesizer, SamplingOptions, Speed, sample_generator


@dataclass(frozen=True)
class InpaintingChoice:
    """What is asked for of Inpainting; None: as it is by default, or a GAN, which has no steps."""

    merge: str | None = None
    jump_length: int | None = None
    jump_samples: int | None = None
    strength: float | None = None

    def resolved(self, method: str) -> Inpainting | None:
        """All of it; None for a GAN. Raises UserError for what does nothing or can't be."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        if methods.method(method).kind == "gan":
            if said:
                flags = ", ".join(f"--{name.replace('_', '-')}" for name in said)
                raise UserError(f"{flags}: {method} is a GAN, which edits by re-synthesis; diffusion models have steps")
            return None
        if self.jump_length is not None and (self.jump_samples or 1) == 1:
            raise UserError(f"--jump-length {self.jump_length}: does nothing without --jump-samples of 2 or more")
        return Inpainting(**said)


class Editor:
    """A trained network that edits. how: None where a GAN makes whole pictures, of which the erased part is taken.

    styled: whether its encoder looks at the picture that is edited. segmenter: guides in place of the null label.
    """

    def __init__(
        self,
        trained: TrainedNetwork,
        sampling: SamplingOptions,
        how: Inpainting | None,
        paste: bool = True,
        device: str = "auto",
        speed: Speed | None = None,
        segmenter: GuidingSegmenter | None = None,
    ):
        guiding = segmenter and segmenter.to(pick_device(device))
        self.synthesizer = synthesizer_of(trained, sampling, device, speed or Speed(), guiding)
        self.how, self.paste = how, paste
        self.styled = hasattr(trained.network, "encoder")
        self.num_classes: int = trained.config.num_classes
        if how is not None:
            assert isinstance(self.synthesizer, DiffusionSynthesizer)
            how.refuse_solver(self.synthesizer.solver)

    @property
    def evaluations(self) -> int:
        """States of one edit, see `edit`."""
        if self.how is None:
            return 1
        assert isinstance(self.synthesizer, DiffusionSynthesizer)
        return self.synthesizer.evaluations(self.how)

    def edit(
        self, pairs: Sequence[EditPair], seed: int, each: Callable[[SolverState], None] = lambda state: None
    ) -> np.ndarray:
        """The edited pictures of a batch of pairs of one size, uint8 (N, H, W, 3); raises NotFinite.

        An edit depends on its pair and the seed alone, up to the rounding of another batch size. each: called with
        every state of a diffusion model; what it raises ends the work.
        """
        edited = [pair.edited for pair in pairs]
        generators = [sample_generator(example.id, seed) for example in edited]
        condition = Condition.of(edited, self.num_classes, self.styled)
        erased = np.stack([pair.erased for pair in pairs])[..., None]
        if self.how is None:
            made = self.synthesizer.synthesize(condition, generators)
        else:
            assert isinstance(self.synthesizer, DiffusionSynthesizer)
            known = Known(photographs(edited), torch.from_numpy(erased.transpose(0, 3, 1, 2)))
            made = self.synthesizer.edit(condition, generators, known, self.how, each)
        refuse_pictures(made.numpy(), [f"{example.id}, seed {seed}" for example in edited])
        pictures = to_uint8(made.numpy())
        if not self.paste:
            return pictures
        sources = np.stack([example.image for example in edited if example.image is not None])
        return np.where(erased, pictures, sources)


def filled(batch: Sequence[EditPair], size: int) -> list[EditPair]:
    """The batch filled up with copies to `size`, at least two: libraries round differently for another number."""
    full = max(size, 2)
    return (list(batch) * full)[:full]


def reader_of(trained: TrainedNetwork, dataset: str | None, data: Path | None) -> SemanticDataset:
    """What reads label maps as those of the dataset that a network was trained on; raises UserError for another.

    data: where the classes.yaml of a dataset of one's own is; None: where it was trained.
    """
    trained_on = trained.about.dataset
    if dataset not in (None, trained_on, Folder.name):
        raise UserError(f"--dataset {dataset}: {trained.source} was trained on {trained_on}")
    if trained_on in DATASETS and trained_on != Folder.name:
        if data is not None:
            raise UserError(f"--data {data}: the classes of {trained_on} are known; of a dataset of one's own it is")
        kind = DATASETS[trained_on]
        return kind(Path(), kind.splits[0], [])
    root = data or trained.about.training.get("data")
    if root is None or not (Path(root) / CLASSES_FILE).is_file():
        raise UserError(f"--data: where is the {CLASSES_FILE} of {trained_on}, on which {trained.source} was trained?")
    reader = Folder(Path(root), "val", [])
    classes = trained.about.training.get("classes_sha256")
    if reader.name != trained_on or (classes and classes != reader.classes.digest()):
        raise UserError(f"{root}: {reader.name} with other classes than {trained.source} was trained on")
    return reader


def needs_instances(trained: TrainedNetwork) -> bool:
    """Whether a network has an edge channel that instance maps alone can fill."""
    return trained.config.edges and not getattr(trained.config, "instances_of_labels", False)
