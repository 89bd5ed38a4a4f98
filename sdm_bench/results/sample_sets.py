"""What is measured, whoever made it: which pictures, of which label maps, made how. Its digest is its identity."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.base.processes import is_first
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.captions import Captions
from sdm_bench.datasets.decoding import Header
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.metrics.images import ImageSource
from sdm_bench.results.gathered import Size, complete, of_folder, spell_sizes
from sdm_bench.results.layouts import recognised
from sdm_bench.results.naming import called, described
from sdm_bench.results.rows import LABELS, Track
from sdm_bench.sampling.edit_folders import SPLIT, EditedPictures, EditFolder
from sdm_bench.sampling.folders import MAY_CHANGE, RUN_FILE, SampleFolder, SampleOptions


@dataclass(frozen=True)
class SampleSet:
    """Pictures of a split's label maps by seed or sample number, and who made them.

    name: the method of a run's samples, or what somebody's pictures are called. options: what made a run's samples,
    None for somebody else's pictures. labels_sha256: of the label maps that were the input. incomplete: what is
    missing or too many, empty where there is exactly one picture a label map and seed. places: where they are, which is
    no part of what they are. described: what was said of them. track: `text` where they come of a text-to-image prior;
    runs are of label maps alone. captions: of the label maps, where somebody brings them; no part of what the pictures
    are.
    """

    name: str
    dataset: str
    split: str
    labels_sha256: str
    images: dict[int, ImageSource]
    places: tuple[Path, ...]
    options: SampleOptions | None = None
    incomplete: str = ""
    described: tuple[str, ...] = ()
    track: Track = LABELS
    captions: Captions | None = None

    @property
    def where(self) -> str:
        """The places as text."""
        return ", ".join(str(place.resolve()) for place in self.places)

    @cached_property
    def headers(self) -> list[Header]:
        """What is known of all pictures without their pixels."""
        return [header for source in self.images.values() for header in source.headers()]

    @property
    def note(self) -> str:
        """What rows have to say of the pictures: what was said of them, and what their files are or reading does."""
        counts = Counter(remark for header in self.headers for remark in header.remarks)
        total = len(self.headers)
        remarks = [each if count == total else f"{each} ({count} of {total})" for each, count in sorted(counts.items())]
        return "; ".join([*self.described, *([f"pictures: {', '.join(remarks)}"] if remarks else [])])

    @cached_property
    def sizes(self) -> Counter[Size]:
        """How many of the pictures have each (height, width)."""
        return Counter((header.height, header.width) for header in self.headers)

    @property
    def size(self) -> Size:
        """(height, width) of the pictures; raises UserError with all sizes and their counts where there are several."""
        if len(self.sizes) > 1:
            where = ", ".join(map(str, self.places))
            raise UserError(f"{where}: pictures of several sizes: {spell_sizes(self.sizes)}; expected one size")
        return next(iter(self.sizes))

    @property
    def size_title(self) -> str:
        """ "WIDTHxHEIGHT", or "several"."""
        height, width = next(iter(self.sizes))
        return f"{width}x{height}" if len(self.sizes) == 1 else "several"

    @property
    def seeds(self) -> str:
        """The seeds as text."""
        return spell_seeds(self.images)

    @cached_property
    def manifest(self) -> str:
        """SHA-256 over the manifests of all seeds."""
        return manifest_of_seeds({seed: source.manifest for seed, source in self.images.items()})

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that the set is: who made it, of which label maps, and the pictures themselves."""
        of = self.name, self.dataset, self.split, self.labels_sha256
        return set_sha256(of, self.options, self.manifest, self.track)


def manifest_of_seeds(manifests: dict[int, str]) -> str:
    """SHA-256 over the manifests of pictures by seed."""
    return sha256_lines([f"{seed} {manifests[seed]}" for seed in sorted(manifests)])


def set_sha256(of: tuple[str, str, str, str], options: SampleOptions | None, manifest: str, track: Track) -> str:
    """The digest of a SampleSet. of: its name, dataset, split and labels_sha256."""
    made = {} if options is None else options.model_dump(mode="json", exclude=set(MAY_CHANGE))
    return sha256_lines([*of, json.dumps(made, sort_keys=True), manifest, *([] if track == LABELS else [track])])


def made_by(options: SampleOptions) -> dict[str, Any]:
    """The fields of a row that say who made a run's samples."""
    return {
        "variant": options.variant_title,
        "solver": options.solver_title,
        "steps": options.solver_steps,
        "guidance": options.guidance,
        "training_steps": options.training_steps,
        "training_seed": options.training_seed,
        "weights_sha256": options.weights_sha256,
        "configuration_sha256": options.configuration_sha256,
    }


def open_run(
    folder: Path, dataset: SemanticDataset, seeds: Sequence[int] | None = None, allow_incomplete: bool = False
) -> SampleSet:
    """The samples that `sdm-bench generate` wrote into `folder`, of the label maps of `dataset`.

    seeds: those to take; None: all. Raises UserError where the samples are of other label maps or of another size than
    run.json says, where a seed was not sampled, and as `complete` does.
    """
    target = SampleFolder(folder)
    options = target.options()
    found = labels_sha256(dataset)
    if found != options.labels_sha256:
        raise UserError(
            f"{folder}: samples of other label maps than those in {dataset.root}: {RUN_FILE} has labels_sha256 "
            f"{options.labels_sha256}, they have {found}"
        )
    expected = {record.id for record in dataset.records}
    chosen = _chosen(target.seeds(), seeds, str(folder))
    samples = {seed: of_folder(target.seed_folder(seed), expected) for seed in chosen}
    images, incomplete = complete(samples, expected, allow_incomplete, ["`sdm-bench generate` resumes"])
    name = options.method
    made = SampleSet(name, dataset.name, dataset.split, found, images, (folder,), options, incomplete)
    if set(made.sizes) != {options.image_size}:
        height, width = options.image_size
        raise UserError(f"{folder}: pictures of {spell_sizes(made.sizes)}; {RUN_FILE} says {width}x{height}")
    return made


def open_edits(
    folder: Path, seeds: Sequence[int] | None = None, allow_incomplete: bool = False
) -> tuple[SampleSet, EditedPictures]:
    """The edits that `sdm-bench edit` wrote into `folder`, and what was edited; raises UserError as `open_run` does."""
    target = EditFolder(folder)
    options, dataset = target.options(), target.pictures()
    expected = {record.id for record in dataset.records}
    samples = {
        seed: of_folder(target.seed_folder(seed), expected) for seed in _chosen(target.seeds(), seeds, str(folder))
    }
    images, incomplete = complete(samples, expected, allow_incomplete, ["`sdm-bench edit` resumes"])
    digest = options.labels_sha256
    made = SampleSet(options.method, options.dataset, SPLIT, digest, images, (folder,), options, incomplete)
    return made, dataset


def open_images(
    images: str | Path | Sequence[str | Path],
    name: str | None,
    dataset: SemanticDataset,
    seeds: Sequence[int] | None = None,
    allow_incomplete: bool = False,
    by_order: bool = False,
    note: str | None = None,
) -> SampleSet:
    """Somebody's pictures of the label maps of `dataset`, however they lie: see layouts.py; what was found is said.

    images: a folder, a pattern or an array file; of several each is one sample, 0, 1, ... name: what the pictures are
    called, by default the folder's name. by_order: numbers in names are places in the order of the split. note: what
    rows have to say of the pictures' resolution. Raises UserError for a name that would be taken for something else,
    where a seed is asked for that is not there, and as `recognised` and `complete` do.
    """
    places = picture_places(images)
    title, about = called(places, name), described(note)
    layout = recognised(places, dataset, by_order)
    if is_first():
        say(f"{layout.says}; called {title}")
    where = ", ".join(map(str, places))
    chosen = {seed: layout.samples[seed] for seed in _chosen(list(layout.samples), seeds, where)}
    expected = {record.id for record in dataset.records}
    found, incomplete = complete(chosen, expected, allow_incomplete, layout.advice)
    notes = tuple(part for part in (about, layout.note) if part)
    labels = labels_sha256(dataset)
    return SampleSet(title, dataset.name, dataset.split, labels, found, places, None, incomplete, notes)


def picture_places(images: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """One place of somebody's pictures or several, as paths."""
    return (Path(images),) if isinstance(images, str | Path) else tuple(map(Path, images))


def _chosen(there: Sequence[int], asked: Sequence[int] | None, where: str) -> list[int]:
    """The seeds to take; raises UserError where one was never sampled."""
    if asked is None:
        return sorted(there)
    absent = [seed for seed in asked if seed not in there]
    if absent:
        raise UserError(f"--seeds {spell_seeds(asked)}: {where} has the seeds {spell_seeds(there)}")
    return sorted(asked)


def spell_seeds(seeds: Iterable[int]) -> str:
    """Seeds as "0-2" where they are consecutive, else as "0,4"; `integers_in` reads them."""
    ordered = sorted(seeds)
    consecutive = len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1))
    return f"{ordered[0]}-{ordered[-1]}" if consecutive else ",".join(map(str, ordered))
