"""What is measured, whoever made it: which pictures, of which label maps, made how. Its digest is its identity."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.captions import Captions
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.metrics.images import ImageSource, count_sizes, files_source, pictures_in
from sdm_bench.models.methods import METHODS
from sdm_bench.results.rows import LABELS, REAL, Track
from sdm_bench.sampling.folders import MAY_CHANGE, RUN_FILE, SampleFolder, SampleOptions

# (height, width) in pixels.
Size = tuple[int, int]
IDS_LISTED = 10
LONGEST_NAME = 80


@dataclass(frozen=True)
class SampleSet:
    """Pictures of a split's label maps by seed or sample number, and who made them.

    name: the method of a run's samples, or what somebody's pictures are called. options: what made a run's samples,
    None for somebody else's pictures. labels_sha256: of the label maps that were the input. incomplete: what is
    missing or too many, empty where there is exactly one picture a label map and seed. folder: where they are, which
    is no part of what they are. track: `text` where they come of a text-to-image prior; runs are of label maps alone.
    captions: of the label maps, where somebody brings them; no part of what the pictures are.
    """

    name: str
    dataset: str
    split: str
    labels_sha256: str
    images: dict[int, ImageSource]
    folder: Path
    options: SampleOptions | None = None
    incomplete: str = ""
    track: Track = LABELS
    captions: Captions | None = None

    @cached_property
    def sizes(self) -> Counter[Size]:
        """How many of the pictures have each (height, width)."""
        return count_sizes(path for source in self.images.values() for path in source.paths)

    @property
    def size(self) -> Size:
        """(height, width) of the pictures; raises UserError with all sizes and their counts where there are several."""
        if len(self.sizes) > 1:
            raise UserError(f"{self.folder}: pictures of several sizes: {spell_sizes(self.sizes)}; expected one size")
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
        return sha256_lines([f"{seed} {source.manifest}" for seed, source in sorted(self.images.items())])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that the set is: who made it, of which label maps, and the pictures themselves."""
        made = {} if self.options is None else self.options.model_dump(mode="json", exclude=set(MAY_CHANGE))
        about = json.dumps(made, sort_keys=True)
        track = [] if self.track == LABELS else [self.track]
        return sha256_lines([self.name, self.dataset, self.split, self.labels_sha256, about, self.manifest, *track])


def open_run(
    folder: Path, dataset: SemanticDataset, seeds: Sequence[int] | None = None, allow_incomplete: bool = False
) -> SampleSet:
    """The samples that `sdm-bench generate` wrote into `folder`, of the label maps of `dataset`.

    seeds: those to take; None: all. Raises UserError where the samples are of other label maps or of another size than
    run.json says, where a seed was not sampled, and as `_complete` does.
    """
    target = SampleFolder(folder)
    options = target.options()
    found = labels_sha256(dataset)
    if found != options.labels_sha256:
        raise UserError(
            f"{folder}: samples of other label maps than those in {dataset.root}: {RUN_FILE} has labels_sha256 "
            f"{options.labels_sha256}, they have {found}"
        )
    folders = {seed: target.seed_folder(seed) for seed in _chosen(target.seeds(), seeds, str(folder))}
    images, incomplete = _complete(folders, dataset, allow_incomplete, "`sdm-bench generate` resumes")
    name = options.method
    made = SampleSet(name, dataset.name, dataset.split, found, images, folder, options, incomplete)
    if set(made.sizes) != {options.image_size}:
        height, width = options.image_size
        raise UserError(f"{folder}: pictures of {spell_sizes(made.sizes)}; {RUN_FILE} says {width}x{height}")
    return made


def open_images(
    folder: Path,
    name: str | None,
    dataset: SemanticDataset,
    seeds: Sequence[int] | None = None,
    allow_incomplete: bool = False,
) -> SampleSet:
    """A flat folder of somebody's pictures, one a label map of `dataset`, as sample 0.

    name: what they are called, by default the folder's name. Raises UserError for a name that would be taken for
    something else, where a seed is asked for that is not there, and as `_complete` does.
    """
    called = _called(folder, name)
    folders = dict.fromkeys(_chosen([0], seeds, str(folder)), folder)
    images, incomplete = _complete(folders, dataset, allow_incomplete, "")
    labels = labels_sha256(dataset)
    return SampleSet(called, dataset.name, dataset.split, labels, images, folder, None, incomplete)


def _called(folder: Path, name: str | None) -> str:
    """What somebody's pictures are called, each run of blanks as one; raises UserError for what can't be a name."""
    found = folder.resolve().name if name is None else name
    called = " ".join(found.split())
    wrong = _wrong_name(found, called)
    if wrong and name is None:
        raise UserError(f"{folder}: its folder is called {called[:LONGEST_NAME]!r}: {wrong}; give --name")
    if wrong:
        raise UserError(f"--name {called[:LONGEST_NAME]!r}: {wrong}; choose another")
    return called


def _wrong_name(found: str, called: str) -> str:
    """Why pictures can't be called so; empty where they can."""
    if not called:
        return "empty"
    if len(called) > LONGEST_NAME:
        return f"{len(called)} characters; expected up to {LONGEST_NAME}"
    if any(unicodedata.category(each).startswith("C") for each in found):
        return "control characters in it"
    return RESERVED.get(_folded(called), "")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


# Names that tables have for what this program makes or measures itself.
RESERVED = {_folded(REAL): "what tables call the photographs themselves"} | {
    _folded(spelling): f"what tables call samples of {each.title}"
    for each in METHODS.values()
    for spelling in (each.name, each.title)
}


def _chosen(there: Sequence[int], asked: Sequence[int] | None, where: str) -> list[int]:
    """The seeds to take; raises UserError where one was never sampled."""
    if asked is None:
        return sorted(there)
    absent = [seed for seed in asked if seed not in there]
    if absent:
        raise UserError(f"--seeds {spell_seeds(asked)}: {where} has the seeds {spell_seeds(there)}")
    return sorted(asked)


def _complete(
    folders: dict[int, Path], dataset: SemanticDataset, allow_incomplete: bool, advice: str
) -> tuple[dict[int, ImageSource], str]:
    """The pictures of each folder, and what is missing or too many.

    Raises UserError with the ids unless each folder has exactly one picture for every label map, or that is allowed:
    then the label maps that have a picture in every folder are measured, of several with one id the first by name.
    """
    expected = {record.id for record in dataset.records}
    found = {seed: pictures_in(folder) for seed, folder in folders.items()}
    complaints = [_complaint(folders[seed], pictures, expected) for seed, pictures in found.items()]
    wrong = [text for text in complaints if text]
    if wrong and not allow_incomplete:
        sizes = count_sizes(path for pictures in found.values() for paths in pictures.values() for path in paths)
        several = f"; pictures of several sizes: {spell_sizes(sizes)}" if len(sizes) > 1 else ""
        hint = f"; {advice}" if advice else ""
        raise UserError("\n".join(wrong) + f"{several}{hint}; --allow-incomplete measures what is there")
    common = expected.intersection(*found.values())
    if not common:
        raise UserError("\n".join([*wrong, "no picture belongs to a label map of the split"]))
    images = {
        seed: files_source(str(folders[seed]), {name: pictures[name][0] for name in common})
        for seed, pictures in found.items()
    }
    return images, _summary(found.values(), expected, common)


def _complaint(folder: Path, pictures: dict[str, list[Path]], expected: set[str]) -> str:
    """Which ids are missing, too many or there twice; empty where nothing is wrong."""
    kinds = {
        "missing": sorted(expected - pictures.keys()),
        "not of the split": sorted(pictures.keys() - expected),
        "twice": sorted(name for name, paths in pictures.items() if len(paths) > 1),
    }
    parts = [f"{len(ids)} {kind} ({_listed(ids)})" for kind, ids in kinds.items() if ids]
    if not parts:
        return ""
    return f"{folder}: not one picture for each of the split's {len(expected)} label maps: {'; '.join(parts)}"


def _summary(found: Iterable[dict[str, list[Path]]], expected: set[str], common: set[str]) -> str:
    """What rows say of an incomplete set, over all seeds."""
    found = list(found)
    extra = {name for pictures in found for name in pictures if name not in expected}
    twice = {name for pictures in found for name, paths in pictures.items() if len(paths) > 1 and name in expected}
    counts = {
        f"of {len(expected)} missing": len(expected - common),
        "not of the split": len(extra),
        "twice": len(twice),
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - IDS_LISTED} more" if len(ids) > IDS_LISTED else ""
    return ", ".join(ids[:IDS_LISTED]) + more


def spell_sizes(sizes: Counter[Size]) -> str:
    """Each size with the number of pictures that have it, the commonest first."""
    return ", ".join(f"{width}x{height} ({count})" for (height, width), count in sizes.most_common())


def spell_seeds(seeds: Iterable[int]) -> str:
    """Seeds as "0-2" where they are consecutive, else as "0,4"."""
    ordered = sorted(seeds)
    consecutive = len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1))
    return f"{ordered[0]}-{ordered[-1]}" if consecutive else ",".join(map(str, ordered))
