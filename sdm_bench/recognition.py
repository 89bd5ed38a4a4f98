"""Which preset a released state dict belongs to: the one whose network has the same keys and shapes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.catalog import dataset_class
from sdm_bench.datasets.folder import Folder
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.models.preset import Preset
from sdm_bench.tensors import Differences, Tensors, differences

ENCODER = "encoder."
PAPER = "paper"


@dataclass(frozen=True)
class Candidate:
    """A preset of a method for a dataset, with or without the edge channel."""

    method: str
    name: str
    dataset: str
    preset: Preset
    edges: bool

    @staticmethod
    def of(method: str, name: str, dataset: str) -> "Candidate":
        """A preset as it is."""
        preset = catalog.preset(method, name, dataset)
        return Candidate(method, name, dataset, preset, bool(preset.network.get("edges")))

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the preset's pictures."""
        return dataset_class(self.dataset).size(self.preset.image_size)

    @cached_property
    def config(self) -> Any:
        """The network's configuration."""
        classes = len(ClassTable.shipped(self.dataset))
        fields = {**self.preset.network, "num_classes": classes, "edges": self.edges}
        return catalog.network_config(self.method, fields, self.image_size)

    def network(self, encoder: bool) -> nn.Module:
        """The network without memory; an encoder is left out where the file has none."""
        with torch.device("meta"):
            network = catalog.build_network(self.method, self.config)
        if not encoder and hasattr(network, "encoder"):
            del network.encoder
        return network

    def title(self) -> str:
        """How messages name it."""
        flipped = self.edges != self.preset.network.get("edges", self.edges)
        edges = f", {'with' if self.edges else 'without'} an edge channel" if flipped else ""
        return f"preset '{self.name}' of {self.method} for {self.dataset}{edges}"


def paper_candidates(method: str) -> Iterator[Candidate]:
    """The published configuration of a method for each dataset that it has one for."""
    for dataset in catalog.datasets(method):
        if PAPER in catalog.preset_names(method, dataset):
            yield Candidate.of(method, PAPER, dataset)


def recognised(source: object, tensors: Tensors, method: str, dataset: str, preset: str | None) -> Candidate:
    """The candidate that `tensors` belong to: of the named preset, or of any that the method has for the dataset.

    Raises UserError that lists how the tensors differ from the nearest one.
    """
    encoder = any(key.startswith(ENCODER) for key in tensors)
    nearest: tuple[Differences, Candidate] | None = None
    for candidate in _candidates(method, dataset, preset):
        found = differences(candidate.network(encoder), tensors)
        if not found:
            return candidate
        if nearest is None or len(found) < len(nearest[0]):
            nearest = found, candidate
    assert nearest is not None, "every method has a preset"
    elsewhere = _elsewhere(tensors, method, dataset, encoder)
    hint = f"\nThey fit {elsewhere}." if elsewhere else ""
    raise UserError(f"{source}: these are not the weights of {nearest[1].title()}:\n{nearest[0].text()}{hint}")


def _elsewhere(tensors: Tensors, method: str, dataset: str, encoder: bool) -> str:
    """The title of a preset for another dataset that the tensors fit, or nothing."""
    for other in catalog.datasets(method):
        if other not in (dataset, Folder.name):
            for candidate in _candidates(method, other, None):
                if not differences(candidate.network(encoder), tensors):
                    return candidate.title()
    return ""


def _candidates(method: str, dataset: str, preset: str | None) -> Iterator[Candidate]:
    names = [preset] if preset else catalog.preset_names(method, dataset)
    first = [Candidate.of(method, name, dataset) for name in names]
    yield from first
    yield from (replace(candidate, edges=not candidate.edges) for candidate in first)
