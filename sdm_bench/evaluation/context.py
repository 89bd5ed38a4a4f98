"""What is measured against what under which protocol, what several protocols share, and the rows that come of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sdm_bench.base.files import sha256_lines
from sdm_bench.base.processes import same_everywhere
from sdm_bench.base.sections import Section
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.digests import photograph_digests
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform
from sdm_bench.evaluation.groups import groups
from sdm_bench.metrics.features import Extractor, extract
from sdm_bench.metrics.images import ImageSource, files_source, refuse_changed
from sdm_bench.protocols.protocols import Protocol
from sdm_bench.results.per_image import PerImage
from sdm_bench.results.rows import ResultRow
from sdm_bench.results.sample_sets import SampleSet, made_by
from sdm_bench.weights.store import cache_folder

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter


# (height, width) in pixels.
Size = tuple[int, int]
# Photographs as they lie on the disk, whatever their sizes.
STORED = "stored"


@dataclass
class SharedWork:
    """What the protocols of one evaluation have in common and is made once.

    planned: by metric, what all of them state. unstored: a line for each thing that could not be kept. extractors,
    segmenters: by what names them. kept: anything else that a metric wants to find again, by its key.
    """

    planned: dict[str, list[Any]] = field(default_factory=dict)
    unstored: list[str] = field(default_factory=list)
    extractors: dict[tuple[str, ...], Extractor] = field(default_factory=dict)
    segmenters: "dict[tuple, Segmenter]" = field(default_factory=dict)
    kept: dict[tuple, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EvaluationContext:
    """What is measured against what: a sample set, the split that it is of, and what the protocol states.

    metric: the name of the metric that is measured. section: what the protocol states of it. segmenter: in place of the
    protocol's. predictions: the folder of kept predictions, None where none are kept. statistics: a file of features'
    statistics in place of the photographs. few_allowed: whether FD-infinity is wanted of any number of pictures.
    """

    samples: SampleSet
    dataset: SemanticDataset
    protocol: Protocol
    metric: str
    section: Any
    device: torch.device
    segmenter: str | None = None
    predictions: Path | None = None
    statistics: Path | None = None
    shared: SharedWork = field(default_factory=SharedWork)
    few_allowed: bool = False

    @property
    def protocol_sha256(self) -> str:
        """SHA-256 over all that the protocol states of the metric on the dataset, defaults and pinned weights too."""
        return content_sha256(self.section, self.protocol)

    def examples(self, recipe: str = DEFAULT_RECIPE) -> Resized:
        """The split at the samples' size; raises UserError where the samples have several sizes."""
        transform = Transform(recipe, self.samples.size, self.dataset.keeps_aspect, training=False)
        return Resized(self.dataset, transform)

    def photographs(self, recipe: str = DEFAULT_RECIPE) -> ImageSource:
        """The split's photographs, resized as `recipe` does or as they are stored.

        Raises UserError as `examples` does where they are resized, and without any.
        """
        key = ("photographs", recipe)
        if key not in self.shared.kept:
            stored = recipe == STORED
            self.shared.kept[key] = (
                stored_photographs(self.dataset) if stored else photographs_source(self.examples(recipe))
            )
        found: ImageSource = self.shared.kept[key]
        return found

    def groups(self) -> dict[int, ImageSource]:
        """The samples that the protocol measures by their number; raises UserError where it measures others."""
        return groups(self.section, self.protocol.name, self.samples)

    def features(self, source: ImageSource, extractor: Extractor) -> np.ndarray:
        """Features (N, D) of pictures, from this evaluation or the user's cache where they are known."""
        key = ("features", source.manifest, extractor.name, extractor.weights_sha256, extractor.resize.name)
        if key not in self.shared.kept:
            same_everywhere({source.name: source.manifest, extractor.name: extractor.weights_sha256})
            cache, unstored = cache_folder() / "features", self.shared.unstored
            self.shared.kept[key] = extract(source, extractor, cache, unstored=unstored)
        found: np.ndarray = self.shared.kept[key]
        return found

    def row(self, **fields: Any) -> ResultRow:
        """A result row with everything filled in that the context decides."""
        samples, options = self.samples, self.samples.options
        first = next(iter(samples.images.values()))
        common: dict[str, Any] = {
            "dataset": self.dataset.name,
            "split": self.dataset.split,
            "protocol": self.protocol.name,
            "protocol_sha256": self.protocol_sha256,
            "method": samples.name,
            "track": samples.track,
            "sample_set": samples.digest,
            "labels_sha256": samples.labels_sha256,
            "image_size": samples.size_title,
            "seeds": samples.seeds,
            "num_images": len(first),
            "incomplete": samples.incomplete,
            "manifest_sha256": samples.manifest,
            "measure": self.metric,
            "folder": samples.where,
        }
        if options is not None:
            common |= made_by(options)
        training = "" if options is None else options.training_note
        notes = [training, samples.note, fields.pop("note", "")]
        return ResultRow(**{**common, **fields, "note": "; ".join(part for part in notes if part)})

    def per_image(
        self, seed: int | None, example_id: str, extractor_sha256: str, metric: str, value: float
    ) -> PerImage:
        """A number of one picture, or with no seed of all samples of a label map."""
        options = self.samples.options
        return PerImage(
            dataset=self.dataset.name,
            split=self.dataset.split,
            method=self.samples.name,
            variant=options.variant_title if options else "",
            solver=options.solver_title if options else "",
            steps=options.solver_steps if options else None,
            guidance=options.guidance if options else None,
            sample_set=self.samples.digest,
            protocol=self.protocol.name,
            protocol_sha256=self.protocol_sha256,
            measure=self.metric,
            extractor_sha256=extractor_sha256,
            metric=metric,
            seed=seed,
            id=example_id,
            value=value,
        )


def content_sha256(section: Section, protocol: Protocol) -> str:
    """SHA-256 over all that a protocol states of a metric on a dataset, defaults and pinned weights too."""
    return sha256_lines([section.model_dump_json(), json.dumps(protocol.weights, sort_keys=True)])


def photographs_source(examples: Resized) -> ImageSource:
    """The photographs of a split, resized, as pictures to measure; raises UserError where a label map has none."""
    dataset = examples.dataset
    digests = photograph_digests(dataset)

    def read(index: int) -> np.ndarray:
        record, image = dataset.records[index], examples[index].image
        assert image is not None
        assert record.image is not None
        refuse_changed(record.image, digests[record.id])
        return image

    ids = tuple(digests)
    manifest = sha256_lines([repr(examples.transform), *(f"{name} {digest}" for name, digest in digests.items())])
    return ImageSource(f"real {dataset.name} {dataset.split}", ids, read, manifest)


def stored_photographs(dataset: SemanticDataset) -> ImageSource:
    """The photographs of a split as they lie on the disk; raises UserError where a label map has none."""
    photograph_digests(dataset)
    files = {record.id: record.image for record in dataset.records if record.image is not None}
    return files_source(f"real {dataset.name} {dataset.split}", files)


def mean_and_spread(values: Iterable[float]) -> dict[str, Any]:
    """The fields value and spread: the mean of `values`, and their standard deviation where there are two or more."""
    each = np.array(list(values), np.float64)
    if len(each) < 2:
        return {"value": float(each.mean())}
    return {"value": float(each.mean()), "spread": float(each.std(ddof=1)), "spread_over": "seeds"}
