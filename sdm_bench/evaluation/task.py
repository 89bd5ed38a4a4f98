"""What is measured against what: samples by seed, the real examples, the protocol; and the rows they fill."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.transforms import Resized
from sdm_bench.metrics.features import ImageSource, folder_source
from sdm_bench.per_image import PerImage
from sdm_bench.protocols.catalog import Protocol
from sdm_bench.results import ResultRow
from sdm_bench.sampling import SampleFolder, SampleOptions


@dataclass(frozen=True)
class Samples:
    """Pictures to measure: one flat folder a seed.

    options: what made them; None for somebody else's. name: what the table's row is called then. run: the folder with
    the run.json of what made them, where there is one.
    """

    folders: dict[int, Path]
    options: SampleOptions | None
    name: str
    run: Path | None = None

    @staticmethod
    def of_run(folder: Path) -> "Samples":
        """The samples that `sdm-bench generate` wrote into `folder`."""
        target = SampleFolder(folder)
        options = target.options()
        return Samples({seed: target.seed_folder(seed) for seed in target.seeds()}, options, options.method, folder)

    @staticmethod
    def of_images(folder: Path, name: str | None = None) -> "Samples":
        """A flat folder of somebody else's pictures, as seed 0."""
        return Samples({0: folder}, None, name or folder.resolve().name)

    @cached_property
    def sources(self) -> dict[int, ImageSource]:
        """The pictures of each seed."""
        return {seed: folder_source(folder) for seed, folder in self.folders.items()}

    @property
    def manifest(self) -> str:
        """SHA-256 over all seeds' manifests."""
        lines = [f"{seed} {source.manifest}\n" for seed, source in sorted(self.sources.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


class Measured(NamedTuple):
    """What a metric found: rows, and numbers of single pictures where it has them."""

    rows: list[ResultRow]
    per_image: list[PerImage]


@dataclass(frozen=True)
class Task:
    """What is measured against what: samples, the real examples at the samples' size, and the protocol.

    segmenter: in place of the protocol's. predictions: the folder of kept predictions, None where none are kept.
    statistics: a file of features' statistics in place of the photographs.
    """

    samples: Samples
    real: Resized
    protocol: Protocol
    device: torch.device
    segmenter: str | None = None
    predictions: Path | None = None
    statistics: Path | None = None

    @property
    def dataset(self) -> SemanticDataset:
        """The real examples' dataset."""
        return self.real.dataset

    def photographs(self, recipe: str) -> Resized:
        """The real examples at the samples' size, their photographs resized as another recipe does."""
        return Resized(self.dataset, replace(self.real.transform, recipe=recipe))

    def row(self, **fields: Any) -> ResultRow:
        """A result row with everything filled in that the task decides."""
        options = self.samples.options
        made = {} if options is None else _made_by(options)
        common = {
            "dataset": self.dataset.name,
            "split": self.dataset.split,
            "method": self.samples.name,
            "protocol": self.protocol.name,
            "num_images": len(next(iter(self.samples.sources.values()))),
            "seeds": spell_seeds(self.samples.folders),
            "manifest_sha256": self.samples.manifest,
        }
        return ResultRow(**{**common, **made, **fields})

    def per_image(self, seed: int | None, example_id: str, metric: str, value: float) -> PerImage:
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
            protocol=self.protocol.name,
            metric=metric,
            seed=seed,
            id=example_id,
            value=value,
        )


def _made_by(options: SampleOptions) -> dict[str, Any]:
    return {
        "method": options.method,
        "variant": options.variant_title,
        "solver": options.solver_title,
        "steps": options.solver_steps,
        "guidance": options.guidance,
        "weights_sha256": options.weights_sha256,
    }


def mean_and_spread(values: Iterable[float]) -> dict[str, Any]:
    """The fields value and spread: the mean of `values`, and their standard deviation where there are two or more."""
    each = np.array(list(values), np.float64)
    if len(each) < 2:
        return {"value": float(each.mean())}
    return {"value": float(each.mean()), "spread": float(each.std(ddof=1)), "note": "spread over seeds"}


def spell_seeds(seeds: Iterable[int]) -> str:
    """Seeds as "0-2" where they are consecutive, else as "0,4"."""
    ordered = sorted(seeds)
    consecutive = len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1))
    return f"{ordered[0]}-{ordered[-1]}" if consecutive else ",".join(map(str, ordered))
