"""Pictures that stand in a column of figures and galleries: a run's samples, or somebody's that were measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reports.lines import SHORT_DIGEST
from reports.names import method_name
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.pictures import read_image
from sdm_bench.results.provenance import picture_places_of, record_of
from sdm_bench.results.rows import LABELS, REAL, ResultRow
from sdm_bench.results.sample_sets import SampleSet, open_edits, open_images, open_run
from sdm_bench.sampling.edit_folders import EditFolder
from sdm_bench.sampling.folders import BY_SEGMENTER, SampleFolder, SampleOptions


class Shown(NamedTuple):
    """What pictures that stand side by side have in common. size: (height, width). labels_sha256: of label maps."""

    dataset: str
    split: str
    size: tuple[int, int]
    labels_sha256: str


@dataclass(frozen=True)
class Pictured:
    """Pictures of a split's label maps by seed or sample number.

    shown: what they are of. method, variant, guidance: as result rows say. solver: with its steps, empty for none.
    details: what tells them from others that are called so, in the order in which it is tried; the same keys for all.
    data: where the dataset is. recipe: how its label maps are read, empty where nobody says. varies: whether another
    seed may give another picture. place: where they are; name: the last part of it. open: takes the dataset; raises
    UserError where the pictures are of other label maps. read: takes an id and a seed; uint8 (H, W, 3), None
    for a picture that isn't there; raises UserError for a broken file.
    """

    shown: Shown
    method: str
    data: Path
    seeds: Sequence[int]
    place: str
    name: str
    open: Callable[[SemanticDataset], SampleSet]
    read: Callable[[str, int], np.ndarray | None]
    variant: str = ""
    solver: str = ""
    guidance: float | None = None
    recipe: str = ""
    varies: bool = False
    details: Mapping[str, str] = field(default_factory=dict)

    def title(self, solver: bool = True) -> str:
        """What a column of these is headed with. solver: whether it is named."""
        return _title(self.method, self.variant, self.solver if solver else "", self.guidance)


def title_of(options: SampleOptions) -> str:
    """What a column of a run's samples is headed with."""
    return _title(options.method, options.variant_title, _solver(options), options.guidance)


def shown_of(options: SampleOptions) -> Shown:
    """What a run's samples are of."""
    return Shown(options.dataset, options.split, options.image_size, options.labels_sha256)


def _title(method: str, variant: str, solver: str, guidance: float | None) -> str:
    guided = guidance is not None and (guidance > 1 or BY_SEGMENTER in variant.split(", "))
    return " ".join(filter(None, [method_name(method), variant, solver, f"s={guidance:g}" if guided else ""]))


def _solver(options: SampleOptions) -> str:
    return f"{options.solver_title} {options.solver_steps}" if options.solver else ""


def of_runs(folders: Iterable[Path]) -> list[Pictured]:
    """The samples that `sdm-bench generate` wrote into each folder; raises UserError where there are none."""
    return [_of_run(SampleFolder(folder)) for folder in folders]


def of_edits(folder: Path) -> Pictured:
    """The samples that `sdm-bench edit` wrote into a folder; raises UserError where there are none."""
    found = _of_run(EditFolder(folder))
    return replace(found, open=lambda dataset: open_edits(folder, allow_incomplete=True)[0])


def _of_run(target: SampleFolder) -> Pictured:
    options, seeds, folder = target.options(), target.seeds(), target.folder

    def read(example_id: str, seed: int) -> np.ndarray | None:
        file = target.sample(example_id, seed)
        return read_image(file) if file.is_file() else None

    return Pictured(
        shown=shown_of(options),
        method=options.method,
        data=Path(options.data),
        seeds=seeds,
        place=str(folder),
        name=folder.resolve().name,
        open=lambda dataset: open_run(folder, dataset, allow_incomplete=True),
        read=read,
        variant=options.variant_title,
        solver=_solver(options),
        guidance=options.guidance,
        recipe=options.recipe,
        varies=options.stochastic,
        details=_details(
            folder.resolve().name,
            options.guidance,
            {
                "training seed": options.training_seed,
                "training steps": options.training_steps,
                "configuration": options.configuration_sha256[:SHORT_DIGEST],
                "weights": options.weights_sha256[:SHORT_DIGEST],
            },
        ),
    )


def _details(name: str, guidance: float | None = None, made_by: Mapping[str, Any] | None = None) -> dict[str, str]:
    told: dict[str, Any] = dict.fromkeys(("training seed", "training steps", "configuration", "weights"))
    told |= made_by or {}
    spelt = {key: "" if value is None else str(value) for key, value in told.items()}
    return {"guidance": "" if guidance is None else f"{guidance:g}", **spelt, "folder": name}


def of_others(rows: Iterable[ResultRow], places: Sequence[Path]) -> list[Pictured]:
    """Somebody's pictures that `rows` are of, as far as they are still where they were measured.

    places: the folders and files of the rows' results, beside which are the records of how they were measured. A line
    names pictures that are gone or have changed. Of one sample that was also measured among more, these are shown.
    """
    measured: dict[str, tuple[ResultRow, dict[str, Any]]] = {}
    for row in rows:
        file = None if row.method == REAL or row.sample_set in measured else record_of(row, places)
        record = read_object(file) if file else {}
        if record.get("arguments", {}).get("images"):
            measured[row.sample_set] = row, record
    found: list[tuple[SampleSet, Pictured]] = []
    for row, record in sorted(measured.values(), key=lambda each: -len(each[1]["pictures"])):
        try:
            samples = _measured(row, record)
            if not any(_among(samples, others) for others, _ in found):
                found.append((samples, _of_others(samples, record)))
        except UserError as error:
            say(f"the pictures called '{row.method}' are left out of figures and galleries: {error.message}")
    return [pictured for _, pictured in found]


def _measured(row: ResultRow, record: Mapping[str, Any]) -> SampleSet:
    """The pictures that a row is of; raises UserError where they aren't there or are others now."""
    asked = record["arguments"]
    dataset = open_dataset(row.dataset, Path(record["real"]["root"]), row.split)
    places = picture_places_of(row, record)
    samples = open_images(
        places, row.method, dataset, asked["seeds"], asked["allow_incomplete"], asked["by_order"],
        asked["resolution_note"],
    )  # fmt: skip
    samples = replace(samples, track=row.track or LABELS)
    if samples.digest != row.sample_set:
        raise UserError(f"{', '.join(places)}: other pictures or label maps than were measured")
    return samples


def _among(samples: SampleSet, others: SampleSet) -> bool:
    """Whether all samples are also among those of another set that is called so."""
    manifests = {seed: source.manifest for seed, source in others.images.items()}
    same = (samples.name, samples.track, samples.labels_sha256) == (others.name, others.track, others.labels_sha256)
    return same and all(manifests.get(seed) == source.manifest for seed, source in samples.images.items())


def _of_others(samples: SampleSet, record: Mapping[str, Any]) -> Pictured:
    places = {seed: {name: at for at, name in enumerate(source.ids)} for seed, source in samples.images.items()}

    def read(example_id: str, seed: int) -> np.ndarray | None:
        at = places.get(seed, {}).get(example_id)
        return None if at is None else samples.images[seed].read(at)

    name = " + ".join(place.resolve().name for place in samples.places)
    return Pictured(
        shown=Shown(samples.dataset, samples.split, samples.size, samples.labels_sha256),
        method=samples.name,
        data=Path(record["real"]["root"]),
        seeds=sorted(samples.images),
        place=", ".join(map(str, samples.places)),
        name=name,
        open=lambda dataset: samples,
        read=read,
        varies=len(samples.images) > 1,
        details=_details(name),
    )
