"""Which preset a released state dict belongs to: the one whose network has the same keys and shapes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import Differences, Tensors, differences
from sdm_bench.datasets.base import ClassTable, size_at
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.models import methods
from sdm_bench.models.preset import FIXED_VARIANCE, Preset

ENCODER = "encoder."
PAPER = "paper"
LAST_BIAS = "out.2.bias"  # of a diffusion model


@dataclass(frozen=True)
class PresetMatch:
    """A preset that weights may belong to: of a method for a dataset, with or without the edge channel.

    fixed_variance: whether it has the three output channels of a diffusion model that learns no variances.
    """

    method: str
    name: str
    dataset: str
    preset: Preset
    edges: bool
    fixed_variance: bool = False

    @staticmethod
    def of(method: str, name: str, dataset: str) -> "PresetMatch":
        """A preset as it is."""
        preset = methods.preset(method, name, dataset)
        return PresetMatch(method, name, dataset, preset, bool(preset.network.get("edges")))

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the preset's pictures."""
        return size_at(dataset_class(self.dataset).native_size, self.preset.image_size)

    @cached_property
    def config(self) -> Any:
        """The network's configuration."""
        classes = len(ClassTable.shipped(self.dataset))
        fields = {**self.preset.network, "num_classes": classes, "edges": self.edges}
        if self.fixed_variance:
            fields["out_channels"] = FIXED_VARIANCE
        return methods.network_config(self.method, fields, self.image_size)

    def network(self, encoder: bool) -> nn.Module:
        """The network without memory; an encoder is left out where the file has none."""
        with torch.device("meta"):
            network = methods.build_network(self.method, self.config)
        if not encoder and hasattr(network, "encoder"):
            del network.encoder
        return network

    def title(self) -> str:
        """How messages name it."""
        flipped = self.edges != self.preset.network.get("edges", self.edges)
        edges = f", {'with' if self.edges else 'without'} an edge channel" if flipped else ""
        fixed = ", with three output channels (fixed variances)" if self.fixed_variance else ""
        return f"preset '{self.name}' of {self.method} for {self.dataset}{edges}{fixed}"


def paper_presets(method: str) -> Iterator[PresetMatch]:
    """The published configuration of a method for each published dataset that it has one for."""
    for dataset in methods.datasets(method):
        if dataset != Folder.name and PAPER in methods.preset_names(method, dataset):
            yield PresetMatch.of(method, PAPER, dataset)


def match_preset(source: object, tensors: Tensors, method: str, dataset: str, preset: str | None) -> PresetMatch:
    """The preset that `tensors` belong to: of the named preset, or of any that the method has for the dataset.

    Raises UserError that lists how the tensors differ from the nearest one.
    """
    encoder = any(key.startswith(ENCODER) for key in tensors)
    nearest: tuple[Differences, PresetMatch] | None = None
    fixed = _learns_no_variances(method, tensors)
    for match in _possible_matches(method, dataset, preset, fixed):
        found = differences(match.network(encoder), tensors)
        if not found:
            return match
        if nearest is None or len(found) < len(nearest[0]):
            nearest = found, match
    assert nearest is not None, "every method has a preset"
    elsewhere = _elsewhere(tensors, method, dataset, encoder)
    hint = f"\nThey fit {elsewhere}." if elsewhere else ""
    raise UserError(f"{source}: these are not the weights of {nearest[1].title()}:\n{nearest[0].text()}{hint}")


def _elsewhere(tensors: Tensors, method: str, dataset: str, encoder: bool) -> str:
    """The title of a preset for another dataset that the tensors fit, or nothing."""
    for other in methods.datasets(method):
        if other not in (dataset, Folder.name):
            for match in _possible_matches(method, other, None, _learns_no_variances(method, tensors)):
                if not differences(match.network(encoder), tensors):
                    return match.title()
    return ""


def _learns_no_variances(method: str, tensors: Tensors) -> bool:
    last = tensors.get(LAST_BIAS)
    return methods.method(method).kind == "diffusion" and last is not None and last.shape == (FIXED_VARIANCE,)


def _possible_matches(method: str, dataset: str, preset: str | None, fixed: bool) -> Iterator[PresetMatch]:
    names = [preset] if preset else methods.preset_names(method, dataset)
    first = [replace(PresetMatch.of(method, name, dataset), fixed_variance=fixed) for name in names]
    yield from first
    yield from (replace(match, edges=not match.edges) for match in first)
