"""A bundle's samples measured again, as far as that can be done, through the room that `evaluate` calls."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reports.leaderboard.check import Bundle, check
from reports.leaderboard.sets import folder_of
from reports.leaderboard.tree import SAMPLES, shown
from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.shipped import SHIPPED
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.again import Again, measure_again
from sdm_bench.evaluation.evaluate import Evaluation
from sdm_bench.results.rows import REAL, ResultRow
from segmenters.architectures import released_names

# The name under which `--data DIR` says where the only dataset is.
ONLY = ""


class Work(NamedTuple):
    """What is measured at once: by the same protocol and the same segmenter."""

    sample_set: str
    protocol: str
    segmenter: str | None
    fd_infinity: bool
    incomplete: bool


def findings(
    folder: Path, data: Mapping[str, Path] | None = None, segmenter: str | None = None, device: str = "auto"
) -> tuple[Bundle, Again]:
    """A bundle, and all that is found wrong with it: by its digests, then by measuring its samples again.

    data, segmenter: see `measured_again`; None where nothing is to be measured. What is wrong comes before measuring.
    Raises UserError where the folder is no bundle.
    """
    bundle = check(folder)
    if bundle.wrong:
        return bundle, Again(bundle.wrong, ["all numbers: what is wrong comes first"])
    foreign = sorted({*(data or {})} - {ONLY, *(row.dataset for row in bundle.rows)})
    if foreign:
        there = ", ".join(sorted({row.dataset for row in bundle.rows}))
        raise UserError(f"--data {foreign[0]}=DIR: the bundle has no numbers of it; it has {shown(there)}")
    if not data:
        lacking = "--data says where the reference pictures are" if bundle.with_samples else "no samples in the bundle"
        return bundle, Again([], [f"all numbers: {lacking}"])
    return bundle, measured_again(bundle, data, segmenter, device)


def measured_again(
    bundle: Bundle, data: Mapping[str, Path], segmenter: str | None = None, device: str = "auto"
) -> Again:
    """The rows of a bundle that differ from what its samples give, and those that can't be measured again.

    data: the roots of the datasets by name, or of the only one as ONLY. segmenter: in place of those that the bundle
    can't name. Nothing is stored.
    """
    found = Again([], [])
    work: dict[Work, list[ResultRow]] = {}
    for evaluation, rows in _by_evaluation(bundle).items():
        made = _work(bundle, evaluation, rows, data, segmenter)
        if isinstance(made, Work):
            work.setdefault(made, []).extend(rows)
        else:
            found.absent.append(f"{_title(rows)}: {made}")
    for each, rows in work.items():
        try:
            again = measure_again(_asked(bundle, each, rows, data, device), rows)
        except UserError as error:
            found.differing.append(f"{_title(rows)}: {shown(error.message)}")
            continue
        found.differing.extend(map(shown, again.differing))
        found.absent.extend(f"{_title(rows)}: {shown(line)}" for line in again.absent)
    return found


def _by_evaluation(bundle: Bundle) -> dict[str, list[ResultRow]]:
    found: dict[str, list[ResultRow]] = {}
    for row in bundle.rows:
        found.setdefault(row.evaluation, []).append(row)
    return found


def _work(
    bundle: Bundle, evaluation: str, rows: Sequence[ResultRow], data: Mapping[str, Path], segmenter: str | None
) -> Work | str:
    """How rows of one evaluation are measured again, or why they can't be."""
    record = bundle.records[evaluation]
    arguments = record["arguments"]
    generated = [row for row in rows if row.method != REAL]
    if not generated:
        return "of photographs alone, whose samples are of another evaluation"
    row = generated[0]
    if row.sample_set not in bundle.with_samples:
        return "no samples in the bundle"
    if _root(row.dataset, data) is None:
        return f"--data says nothing of {shown(row.dataset)}"
    for name in ("statistics", "captions"):
        if arguments.get(name):
            return f"measured with the {name} {shown(arguments[name])}, which no bundle holds"
    named = record.get("segmenter")
    if named is not None and row.measure == "miou":
        # files are the user's to name: some of them are programs
        named = named if named in (SHIPPED, *released_names()) else segmenter
        if named is None:
            return f"its segmenter {shown(record['segmenter'])} is a file; --segmenter says where it is"
    incomplete = any(each.incomplete for each in rows)
    fd_infinity = arguments.get("fd_infinity") is True and row.measure == "fid"
    return Work(row.sample_set, row.protocol, named if row.measure == "miou" else None, fd_infinity, incomplete)


def _asked(bundle: Bundle, work: Work, rows: Sequence[ResultRow], data: Mapping[str, Path], device: str) -> Evaluation:
    stored = bundle.sets[work.sample_set]
    folder = bundle.folder / folder_of(work.sample_set)
    run = work.sample_set in bundle.options
    root = _root(stored.dataset, data)
    return Evaluation(
        list(dict.fromkeys(row.measure for row in rows)),
        run=folder if run else None,
        images=None if run else folder / SAMPLES,
        where=DatasetSplit(None if run else stored.dataset, root, stored.split),
        name=None if run else stored.name,
        track=None if run else stored.track,
        protocol=work.protocol,
        segmenter=work.segmenter,
        fd_infinity=work.fd_infinity,
        allow_incomplete=work.incomplete,
        stored=False,
        device=device,
    )


def _root(dataset: str, data: Mapping[str, Path]) -> Path | None:
    return data.get(dataset, data.get(ONLY))


def _title(rows: Sequence[ResultRow]) -> str:
    row = next((each for each in rows if each.method != REAL), rows[0])
    return shown(f"{row.measure} of {row.method} on {row.dataset}, {row.protocol} ({len(rows)} rows from {row.id})")
