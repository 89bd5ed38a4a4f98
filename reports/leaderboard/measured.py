"""The pictures behind rows, found again where they were measured, and who made them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.anonymous import without_paths
from reports.leaderboard.sets import StoredSet
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, sha256_file
from sdm_bench.base.integers import integers_in
from sdm_bench.base.sections import parsed
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.evaluation.evaluate import Evaluation, open_samples
from sdm_bench.metrics.images import pictures_in
from sdm_bench.results.provenance import picture_places_of
from sdm_bench.results.rows import ResultRow
from sdm_bench.sampling.folders import RUN_FILE, SampleFolder, SampleOptions

# Pictures by seed and id.
Files = dict[int, dict[str, Path]]


@dataclass(frozen=True)
class Measured:
    """A sample set as it goes into a bundle. run: what run.json says of it, without paths; None of others' pictures."""

    stored: StoredSet
    files: Files
    run: dict[str, Any] | None = None


def measured(rows: Sequence[ResultRow], record: dict[str, Any], places: Sequence[Path]) -> Measured:
    """The sample set that all of `rows` are of.

    record: of one of their evaluations. places: folders that may be the run's, where it isn't where it was. Raises
    UserError where the pictures are gone or are no longer those that were measured.
    """
    return _of_run(rows, record, places) if record.get("made by") else _of_pictures(rows[0], record)


def _of_run(rows: Sequence[ResultRow], record: dict[str, Any], places: Sequence[Path]) -> Measured:
    row = rows[0]
    folders = [each for each in (Path(row.folder), *places) if _may_be(row, SampleFolder(each))]
    if not folders:
        raise UserError(f"{row.folder}: no samples there; the pictures behind {row.id} are needed for their digests")
    for folder in folders:
        digests: dict[int, dict[str, str]] = {}
        for seeds in _seeds(rows, record, folder):
            files = {seed: _pictures(folder, seed) for seed in seeds}
            for seed in seeds:
                digests[seed] = digests.get(seed) or _digests(files[seed])
            run = without_paths(read_object(folder / RUN_FILE, options=dict)) | {"seeds": seeds}
            options = parsed(SampleOptions, run["options"], folder / RUN_FILE)
            found = _stored(row, {seed: digests[seed] for seed in seeds}, options)
            if found.sha256 == row.sample_set:
                return Measured(found, files, run)
    raise UserError(
        f"{', '.join(map(str, folders))}: not the pictures behind {row.id} ({row.num_images} a seed, seeds "
        f"{row.seeds}): they changed since, or others lie among them; measure again"
    )


def _may_be(row: ResultRow, target: SampleFolder) -> bool:
    if not target.exists:
        return False
    options = target.options()
    return (row.weights_sha256, row.labels_sha256) == (options.weights_sha256, options.labels_sha256)


def _seeds(rows: Sequence[ResultRow], record: dict[str, Any], folder: Path) -> Iterator[list[int]]:
    """Which seeds may have been measured: those asked for, those that rows name, those that are there."""
    there = SampleFolder(folder).seeds()
    asked = record["arguments"].get("seeds")
    named = sorted({row.seeds for row in rows}, key=len, reverse=True)
    for seeds in [*([asked] if asked else []), *(integers_in(each) or [] for each in named), there]:
        if seeds and set(seeds) <= set(there):
            yield sorted(seeds)


def _pictures(folder: Path, seed: int) -> dict[str, Path]:
    found = pictures_in(SampleFolder(folder).seed_folder(seed))
    twice = next((paths for paths in found.values() if len(paths) > 1), None)
    if twice:
        raise UserError(f"{twice[1]}: the same id as {twice[0]}; expected one picture an id")
    return {name: paths[0] for name, paths in found.items()}


def _of_pictures(row: ResultRow, record: dict[str, Any]) -> Measured:
    said = record["arguments"]
    asked = Evaluation(
        [row.measure],
        images=picture_places_of(row, record),
        where=DatasetSplit(row.dataset, Path(record["real"]["root"]), row.split),
        name=row.method,
        by_order=said.get("by_order", False),
        seeds=said.get("seeds"),
        allow_incomplete=said["allow_incomplete"],
        track=row.track or None,
    )
    samples, _ = open_samples(asked)
    if samples.digest != row.sample_set:
        raise UserError(f"{samples.where}: not the pictures behind {row.id}: they changed since; measure again")
    if not all(source.paths for source in samples.images.values()):
        raise UserError(
            f"{samples.where}: an array, in which pictures have no files whose digests a bundle could list; write them "
            f"as PNG, measure these, and hand them in"
        )
    files = {seed: dict(zip(each.ids, each.paths, strict=True)) for seed, each in samples.images.items()}
    digests = {seed: _digests(found) for seed, found in files.items()}
    return Measured(_stored(row, digests, None), files)


def _digests(files: dict[str, Path]) -> dict[str, str]:
    return dict(zip(files, in_parallel(sha256_file, files.values()), strict=True))


def _stored(row: ResultRow, digests: dict[int, dict[str, str]], options: SampleOptions | None) -> StoredSet:
    about = {name: getattr(row, name) for name in ("dataset", "split", "labels_sha256", "track")}
    pictures = {str(seed): dict(sorted(digests[seed].items())) for seed in sorted(digests)}
    made = StoredSet(sha256="0" * 64, name=row.method, pictures=pictures, **about)
    return made.model_copy(update={"sha256": made.digest(options)})
