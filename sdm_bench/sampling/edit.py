"""Pictures, label maps and edited label maps in, edited pictures out: what differs is erased and made anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from sdm_bench.base.drawing import to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import is_whole_picture, sha256_file, sha256_lines, write_png
from sdm_bench.base.finite import refuse_pictures, refuse_weights
from sdm_bench.base.processes import alone_in
from sdm_bench.base.progress import say, track
from sdm_bench.checkpoints.generators import TrainedNetwork, WeightsSpec
from sdm_bench.conditioning import Condition, photographs
from sdm_bench.datasets.base import ClassTable, SemanticDataset
from sdm_bench.datasets.folder import CLASSES_FILE, Folder
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.datasets.pairs import EditPair, PairFiles, read_pair
from sdm_bench.datasets.transforms import Transform
from sdm_bench.diffusion.editing import Inpainting, Known
from sdm_bench.diffusion.solvers import SolverState
from sdm_bench.models import methods
from sdm_bench.sampling.chosen import recipe_of, refuse_idle_options, sampling_of, say_guidance, synthesizer_of
from sdm_bench.sampling.edit_folders import SPLIT, EditFolder, EditOptions, class_rows
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.sampling.generate import BATCH_SIZE, training_note
from sdm_bench.sampling.synthesizers import DiffusionSynthesizer, SamplingOptions, Speed, sample_generator

# Packages of which another version can change an edit.
PACKAGES = ("torch", "diffusers", "numpy", "pillow", "scipy")


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

    styled: whether its encoder looks at the picture that is edited.
    """

    def __init__(
        self,
        trained: TrainedNetwork,
        sampling: SamplingOptions,
        how: Inpainting | None,
        paste: bool = True,
        device: str = "auto",
        speed: Speed | None = None,
    ):
        self.synthesizer = synthesizer_of(trained, sampling, device, speed or Speed())
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


def edit_pictures(
    weights: WeightsSpec,
    pairs: Sequence[PairFiles],
    out: Path,
    seeds: Sequence[int],
    sampling: SamplingOptions,
    choice: InpaintingChoice,
    command: str,
    dataset: str | None = None,
    data: Path | None = None,
    margin: int = 0,
    paste: bool = True,
    variant: str = "",
    batch_size: int | None = None,
    device: str = "auto",
    speed: Speed | None = None,
    recipe: str | None = None,
) -> Path:
    """Edits every pair for every seed into the folder `out`, see edit_folders.py; returns it. What is there stays.

    dataset, data: whose encoding the label maps have, by default what the weights were trained on, and where its
    classes.yaml is if it has one. margin: pixels by which what differs, or the masks, grow. batch_size: by default that
    of the edits in the folder, or as many as there are pairs, up to 8. Raises UserError before any work for whatever
    can't be edited, and NotFinite for a picture of NaN or Inf, which is not written.
    """
    speed = speed or Speed()
    if weights.method is not None:
        refuse_idle_options(weights.method, sampling, speed)
        choice.resolved(weights.method)
    trained = weights.load(dataset)
    about = trained.about
    refuse_idle_options(about.method, sampling, speed)
    how = choice.resolved(about.method)
    refuse_weights(trained.network.state_dict(), trained.source)
    chosen = SamplingOptions(**sampling_of(trained, sampling))
    say_guidance(chosen.guidance, sampling.guidance, trained)
    editor = Editor(trained, chosen, how, paste, device, speed)
    reader = reader_of(trained, dataset, data)
    transform = Transform(recipe or recipe_of(trained), about.image_size, reader.keeps_aspect, training=False)
    read = [read_pair(reader, files, transform, margin) for files in pairs]
    _refuse_instances(trained, pairs, read)
    target = EditFolder(out)
    if SampleFolder(out).exists:
        raise UserError(f"--out {out}: holds samples of `sdm-bench generate`; expected a folder of its own")
    there = target.options().batch_size if target.exists else min(BATCH_SIZE, len(pairs))
    options = EditOptions(
        method=about.method,
        variant=variant,
        dataset=reader.name,
        kind=reader.kind,
        data=str(pairs[0].label.resolve().parent),
        split=SPLIT,
        labels_sha256=_maps_sha256(reader, pairs),
        photographs_sha256=sha256_lines([f"{files.id} {sha256_file(files.image)}" for files in pairs]),
        image_size=about.image_size,
        recipe=transform.recipe,
        stochastic=how is not None or trained.config.stochastic,
        style="ground-truth" if editor.styled else None,
        weights=trained.source,
        weights_sha256=trained.sha256,
        training_steps=about.steps,
        training_seed=about.seed,
        configuration_sha256=about.configuration_sha256,
        training_note=training_note(trained, chosen.guidance),
        batch_size=batch_size or there,
        way="re-synthesis" if how is None else "inpainting",
        **(vars(how) if how is not None else {}),
        margin=margin,
        masked=pairs[0].mask is not None,
        paste=paste,
        **{name: value for name, value in vars(chosen).items() if value is not None},
    )
    if how is None:
        style = "the style of each picture" if editor.styled else "no style of the picture, for it has no encoder"
        say(f"{about.method} edits by re-synthesis: the whole picture is made, with {style}, and the erased part taken")
    with alone_in(out, "edit", "wait for it"):
        written = _write_edits(editor, read, options, target, seeds, command, reader.classes)
    say(f"{out}: {written} edits written")
    return out


def _write_edits(
    editor: Editor,
    pairs: Sequence[EditPair],
    options: EditOptions,
    target: EditFolder,
    seeds: Sequence[int],
    command: str,
    classes: ClassTable,
) -> int:
    """Writes those edits that are not there, in fixed batches of pairs for each seed; returns how many."""
    if not options.stochastic and len(seeds) > 1:
        say(f"{options.method} makes one picture a label map: editing with seed {seeds[0]} alone of {len(seeds)}")
        seeds = seeds[:1]
    if target.exists:
        target.refuse_other(options)
    digests = {pair.source.id: target.write_pair(pair, editor.num_classes) for pair in pairs}
    target.start(
        options,
        seeds,
        command,
        evaluations=editor.evaluations,
        pairs=digests,
        classes=class_rows(classes),
        versions={name: metadata.version(name) for name in PACKAGES},
    )
    wanted = [(seed, pair.source.id) for seed in seeds for pair in pairs]
    absent = {(seed, id) for seed, id in wanted if not is_whole_picture(target.sample(id, seed))}
    done = len(wanted) - len(absent)
    if done:
        say(f"{target.folder}: {done} of {len(wanted)} edits are there")
    size = options.batch_size
    batches = [(seed, pairs[start : start + size]) for seed in seeds for start in range(0, len(pairs), size)]
    work = (
        (seed, pair.source.id, pixels)
        for seed, batch in batches
        if any((seed, pair.source.id) in absent for pair in batch)
        for pair, pixels in zip(batch, editor.edit(filled(batch, size), seed), strict=False)
        if (seed, pair.source.id) in absent
    )
    for seed, id, pixels in track(work, f"editing with {options.method}", len(wanted), done, "edits"):
        write_png(target.sample(id, seed), pixels)
    return len(absent)


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


def _refuse_instances(trained: TrainedNetwork, pairs: Sequence[PairFiles], read: Sequence[EditPair]) -> None:
    """Raises UserError where a network needs instance maps that are not there."""
    needed = trained.config.edges and not getattr(trained.config, "instances_of_labels", False)
    for files, pair in zip(pairs, read, strict=True):
        if needed and pair.edited.instance is None:
            raise UserError(
                f"{files.label}: no instance map; {trained.source} has an instance edge channel and wants one "
                "(--instances, or instances/ beside labels/)"
            )


def _maps_sha256(reader: SemanticDataset, pairs: Sequence[PairFiles]) -> str:
    """SHA-256 over what file values mean, the ids, and the bytes of all maps and masks."""
    lines = [
        " ".join([files.id, *("-" if path is None else sha256_file(path) for path in files.files[1:])])
        for files in pairs
    ]
    return sha256_lines([*reader.identity(), *lines])
