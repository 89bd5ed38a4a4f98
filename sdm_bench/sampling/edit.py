"""Pictures, label maps and edited label maps in, edited pictures out: what differs is erased and made anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import is_whole_picture, sha256_file, sha256_lines, write_png
from sdm_bench.base.finite import refuse_weights
from sdm_bench.base.processes import alone_in, decided, rank_and_count, same_everywhere, start_processes, together
from sdm_bench.base.progress import say, track
from sdm_bench.checkpoints.generators import TrainedNetwork, WeightsSpec
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.pairs import EditPair, PairFiles, read_pair
from sdm_bench.datasets.transforms import Transform
from sdm_bench.sampling.chosen import guiding_segmenter, recipe_of, refuse_idle_options, sampling_of, say_guidance
from sdm_bench.sampling.edit_folders import SPLIT, EditFolder, EditOptions, class_rows
from sdm_bench.sampling.editor import Editor, InpaintingChoice, filled, needs_instances, reader_of
from sdm_bench.sampling.folders import MAY_CHANGE, SampleFolder, variant_called
from sdm_bench.sampling.generate import BATCH_SIZE, training_note
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed

# Packages of which another version can change an edit.
PACKAGES = ("torch", "diffusers", "numpy", "pillow", "scipy")


@dataclass(frozen=True)
class OpenedEditor:
    """A trained network that edits, with what reads label maps for it and the sampling it was opened with.

    segmenter_sha256: over the segmenter that guides it, None where none does.
    """

    trained: TrainedNetwork
    editor: Editor
    reader: SemanticDataset
    transform: Transform
    sampling: SamplingOptions
    segmenter_sha256: str | None = None

    def options(
        self,
        labels_sha256: str,
        photographs_sha256: str,
        data: Path,
        batch_size: int,
        margin: int,
        masked: bool = False,
        variant: str = "",
    ) -> EditOptions:
        """Everything that decides edits of these inputs, see EditOptions. data: where they lie."""
        about, how = self.trained.about, self.editor.how
        return EditOptions(
            method=about.method,
            variant=variant,
            dataset=self.reader.name,
            kind=self.reader.kind,
            data=str(data.resolve()),
            split=SPLIT,
            labels_sha256=labels_sha256,
            photographs_sha256=photographs_sha256,
            image_size=about.image_size,
            recipe=self.transform.recipe,
            stochastic=how is not None or self.trained.config.stochastic,
            style="ground-truth" if self.editor.styled else None,
            weights=self.trained.source,
            weights_sha256=self.trained.sha256,
            training_steps=None if about.budget else about.steps,
            training_seed=about.seed,
            configuration_sha256=about.configuration_sha256,
            training_note=training_note(self.trained, None if self.segmenter_sha256 else self.sampling.guidance),
            segmenter_sha256=self.segmenter_sha256,
            batch_size=batch_size,
            way="re-synthesis" if how is None else "inpainting",
            **(vars(how) if how is not None else {}),
            margin=margin,
            masked=masked,
            paste=self.editor.paste,
            **{name: value for name, value in vars(self.sampling).items() if value is not None},
        )

    def begin(
        self, target: EditFolder, options: EditOptions, seeds: Sequence[int], command: str, pairs: Sequence[EditPair]
    ) -> None:
        """Writes what is edited, and edit.json; raises UserError where edits in the folder were made otherwise."""
        if target.exists:
            target.refuse_other(options)
        target.start(
            options,
            seeds,
            command,
            evaluations=self.editor.evaluations,
            pairs={pair.source.id: target.write_pair(pair, self.editor.num_classes) for pair in pairs},
            classes=class_rows(self.reader.classes),
            versions={name: metadata.version(name) for name in PACKAGES},
        )


def open_editor(
    weights: WeightsSpec,
    sampling: SamplingOptions,
    choice: InpaintingChoice,
    dataset: str | None = None,
    data: Path | None = None,
    paste: bool = True,
    device: str = "auto",
    speed: Speed | None = None,
    recipe: str | None = None,
) -> OpenedEditor:
    """What edits with `weights`; raises UserError where they don't fit or an option does nothing.

    dataset, data: whose encoding label maps have, by default what the weights were trained on, and where its
    classes.yaml is if it has one. recipe: how label maps are read, by default as in training.
    """
    start_processes(device)
    speed = speed or Speed()
    if weights.method is not None:
        refuse_idle_options(weights.method, sampling, speed)
        choice.resolved(weights.method)
    trained = weights.load(dataset)
    about = trained.about
    refuse_idle_options(about.method, sampling, speed)
    how = choice.resolved(about.method)
    refuse_weights(trained.network.state_dict(), trained.source)
    settings = sampling_of(trained, sampling)
    chosen, reader = SamplingOptions(**settings), reader_of(trained, dataset, data)
    segmenter = guiding_segmenter(trained, settings, reader)
    if segmenter is None:
        say_guidance(chosen.guidance, sampling.guidance, trained)
    editor = Editor(trained, chosen, how, paste, device, speed, segmenter)
    if how is None:
        style = "the style of each picture" if editor.styled else "no style of the picture, for it has no encoder"
        say(f"{about.method} edits by re-synthesis: the whole picture is made, with {style}, and the erased part taken")
    transform = Transform(recipe or recipe_of(trained), about.image_size, reader.keeps_aspect, training=False)
    return OpenedEditor(trained, editor, reader, transform, chosen, None if segmenter is None else segmenter.sha256)


def edit_pictures(
    opened: OpenedEditor,
    pairs: Sequence[PairFiles],
    out: Path,
    seeds: Sequence[int],
    command: str,
    margin: int = 0,
    variant: str = "",
    batch_size: int | None = None,
) -> Path:
    """Edits every pair for every seed into the folder `out`, see edit_folders.py; returns it. What is there stays.

    margin: pixels by which what differs, or the masks, grow. batch_size: by default that of the edits in the folder, or
    as many as there are pairs, up to 8. The processes of torchrun take turns at the batches. Raises UserError before
    any work for whatever can't be edited, and NotFinite for a picture of NaN or Inf, which is not written.
    """
    variant = variant_called(variant)
    read = [read_pair(opened.reader, files, opened.transform, margin) for files in pairs]
    _refuse_instances(opened.trained, pairs, read)
    target = EditFolder(out)
    if SampleFolder(out).exists:
        raise UserError(f"--out {out}: holds samples of `sdm-bench generate`; expected a folder of its own")
    there = target.options().batch_size if target.exists else min(BATCH_SIZE, len(pairs))
    options = opened.options(
        labels_sha256=_input_sha256(opened.reader, pairs, margin),
        photographs_sha256=sha256_lines([f"{files.id} {sha256_file(files.image)}" for files in pairs]),
        data=pairs[0].label.parent,
        batch_size=batch_size or there,
        margin=margin,
        masked=pairs[0].mask is not None,
        variant=variant,
    )
    if not options.stochastic and len(seeds) > 1:
        say(f"{options.method} makes one picture a label map: editing with seed {seeds[0]} alone of {len(seeds)}")
        seeds = seeds[:1]
    same_everywhere({"pictures, weights or options": options.model_dump_json(exclude=set(MAY_CHANGE))})
    with alone_in(out, "edit", "wait for it"):
        decided(lambda: opened.begin(target, options, seeds, command, read))
        with together():
            written = _write_edits(opened.editor, read, options, target, seeds)
    say(f"{out}: {written} edits written")
    return out


def _write_edits(
    editor: Editor, pairs: Sequence[EditPair], options: EditOptions, target: EditFolder, seeds: Sequence[int]
) -> int:
    """Writes this process's edits that are not there, in fixed batches of pairs for each seed; returns how many."""
    size = options.batch_size
    rank, processes = rank_and_count()
    batches = [(seed, pairs[start : start + size]) for seed in seeds for start in range(0, len(pairs), size)]
    batches = batches[rank::processes]
    wanted = [(seed, pair.source.id) for seed, batch in batches for pair in batch]
    absent = {(seed, id) for seed, id in wanted if not is_whole_picture(target.sample(id, seed))}
    done = len(wanted) - len(absent)
    if done:
        say(f"{target.folder}: {done} of {len(wanted)} edits are there")
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


def _refuse_instances(trained: TrainedNetwork, pairs: Sequence[PairFiles], read: Sequence[EditPair]) -> None:
    """Raises UserError where a network needs instance maps that are not there."""
    for files, pair in zip(pairs, read, strict=True):
        if needs_instances(trained) and pair.edited.instance is None:
            raise UserError(
                f"{files.label}: no instance map; {trained.source} has an instance edge channel and wants one "
                "(--instances, or instances/ beside labels/)"
            )


def _input_sha256(reader: SemanticDataset, pairs: Sequence[PairFiles], margin: int) -> str:
    """SHA-256 over what file values mean, the ids, the bytes of all files and the margin: what is erased of what."""
    lines = [
        " ".join([files.id, *("-" if path is None else sha256_file(path) for path in files.files)]) for files in pairs
    ]
    return sha256_lines([*reader.identity(), f"margin {margin}", *lines])
