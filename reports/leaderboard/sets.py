"""The sample sets of a bundle: which pictures were measured, by digest, and who made them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from reports.leaderboard.tree import PICTURE, SAMPLES, SET, SET_DIGITS, SETS, Sha256, shown
from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import composed
from sdm_bench.base.sections import Section
from sdm_bench.metrics.images import count_sizes, manifest_of
from sdm_bench.results.gathered import spell_sizes
from sdm_bench.results.rows import ResultRow, Track
from sdm_bench.results.sample_sets import made_by, manifest_of_seeds, set_sha256, spell_seeds
from sdm_bench.sampling.folders import RUN_FILE, SampleOptions


class StoredSet(Section):
    """What set.json says: the fields of a SampleSet, and the SHA-256 of each picture file by seed and id.

    sha256: the set's digest, which rows have as `sample_set`.
    """

    sha256: Sha256
    name: str
    dataset: str
    split: str
    labels_sha256: str
    track: Track
    pictures: dict[str, dict[str, Sha256]] = Field(min_length=1)

    @property
    def seeds(self) -> list[int]:
        """The seeds or sample numbers."""
        return sorted(map(int, self.pictures))

    @property
    def manifest(self) -> str:
        """What rows have as `manifest_sha256`."""
        return manifest_of_seeds({int(seed): manifest_of(found) for seed, found in self.pictures.items()})

    def digest(self, options: SampleOptions | None) -> str:
        """The digest of the SampleSet that this describes. options: of a run's samples."""
        return set_sha256((self.name, self.dataset, self.split, self.labels_sha256), options, self.manifest, self.track)

    def wrong(self, options: SampleOptions | None) -> Iterator[str]:
        """What is wrong with it, without its pictures."""
        if not all(re.fullmatch(r"0|[1-9]\d{0,8}", seed) for seed in self.pictures):
            yield f"seeds {shown(', '.join(self.pictures))}; expected whole numbers"
            return
        if len({frozenset(each) for each in self.pictures.values()}) != 1:
            yield "seeds have pictures of different label maps"
        found = self.digest(options)
        if found != self.sha256:
            yield f"states the digest {self.sha256}; its content has {found}"

    def differing(self, row: ResultRow, options: SampleOptions | None) -> Iterator[str]:
        """Where a row says something else of its pictures."""
        expected: dict[str, Any] = {
            "method": self.name,
            "dataset": self.dataset,
            "split": self.split,
            "labels_sha256": self.labels_sha256,
            "track": self.track,
            "manifest_sha256": self.manifest,
            "num_images": len(next(iter(self.pictures.values()))),
        }
        if options is not None:
            height, width = options.image_size
            expected |= made_by(options) | {"image_size": f"{width}x{height}"}
        for name, value in expected.items():
            if getattr(row, name) != value:
                yield f"{name} {shown(getattr(row, name))}; its sample set has {shown(value)}"
        # a protocol may measure fewer samples than there are, the lowest first
        if row.seeds not in {spell_seeds(self.seeds[: count + 1]) for count in range(len(self.seeds))}:
            yield f"seeds {shown(row.seeds)}; its sample set has {spell_seeds(self.seeds)}"


def folder_of(sha256: str) -> str:
    """The folder of a sample set in a bundle."""
    return f"{SETS}/{sha256[:SET_DIGITS]}"


def set_file(sha256: str) -> str:
    """The file that says what a sample set is."""
    return f"{folder_of(sha256)}/{SET}"


def run_file(sha256: str) -> str:
    """The file that says what made a run's samples."""
    return f"{folder_of(sha256)}/{RUN_FILE}"


def picture_file(sha256: str, seed: int, example_id: str, suffix: str) -> str:
    """The file of one picture."""
    return f"{folder_of(sha256)}/{SAMPLES}/seed-{seed:03d}/{example_id}{suffix}"


def wrong_pictures(bundle: Path, stored: StoredSet, digests: dict[str, str], sizes: set[str]) -> Iterator[str]:
    """What is wrong with the pictures of a set that has some.

    bundle: its folder. digests: of all its files, by path. sizes: what rows have as `image_size`.
    """
    there: dict[tuple[str, str], str] = {}
    for name in digests:
        found = PICTURE.fullmatch(name)
        if found and found[1] == stored.sha256[:SET_DIGITS]:
            key = str(int(found[2])), composed(found[3])
            if key in there:
                yield f"{shown(name)}: the same picture as {shown(there[key])}"
            there[key] = name
    if not there:
        return
    expected = {(seed, key): value for seed, each in stored.pictures.items() for key, value in each.items()}
    lacking = sorted(expected.keys() - there.keys())
    if lacking:
        seed, example = lacking[0]
        yield f"{len(lacking)} of {len(expected)} pictures are missing, the first of seed {seed}, {shown(example)}"
    for key, name in there.items():
        if key not in expected:
            yield f"{shown(name)}: no picture of the sample set"
        elif digests[name] != expected[key]:
            yield f"{shown(name)}: SHA-256 {digests[name]}; {SET} has {expected[key]}"
    try:
        found_sizes = count_sizes(bundle / name for name in there.values())
    except UserError as error:
        yield error.message.replace(f"{bundle}/", "")
        return
    title = "several" if len(found_sizes) > 1 else "x".join(map(str, reversed(next(iter(found_sizes)))))
    if sizes != {title}:
        yield f"pictures of {spell_sizes(found_sizes)}; rows have {shown(', '.join(sorted(sizes)))}"
