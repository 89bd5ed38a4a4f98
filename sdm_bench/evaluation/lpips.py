"""LPIPS diversity: the mean distance of a label map's samples."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import same_everywhere, shared
from sdm_bench.base.progress import track
from sdm_bench.base.sections import Section
from sdm_bench.base.tensors import tensors_sha256
from sdm_bench.datasets.base import IGNORED
from sdm_bench.datasets.transforms import resize_map
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.extractors import pinned_weights
from sdm_bench.evaluation.metric import Metric, MetricResult, Output
from sdm_bench.metrics.lpips_diversity import (
    BATCHES,
    LPIPS,
    MapDiversity,
    Net,
    corpus_diversity,
    diversity,
    load_lpips,
    preprocessing,
)
from sdm_bench.results.per_image import PerImage
from sdm_bench.results.rows import ResultRow
from sdm_bench.results.sample_sets import spell_seeds

NETS: dict[str, Net] = {"lpips-alex": "alex", "lpips-vgg": "vgg"}


class LPIPSSection(Section):
    """What a protocol states of LPIPS diversity: over all pairs of the samples of a label map, mean over label maps.

    weights: registry name of the backbone. preprocessing: how pictures become its input, see
    metrics/lpips_diversity.py. samples: how many a label map has; None: as many as there are, from two on. per_class:
    also inside each evaluated class.
    """

    weights: Literal["lpips-alex", "lpips-vgg"]
    preprocessing: Literal["plain", "sdm"] = "plain"
    samples: int | None = None
    per_class: bool = False

    @property
    def title(self) -> str:
        """What rows call the network, with the way pictures are prepared where that is not the package's."""
        return self.weights if self.preprocessing == "plain" else f"{self.weights}, {self.preprocessing}"


class LPIPSDiversity(Metric):
    """LPIPS diversity, mean and spread over label maps; where the protocol asks for it, inside each class too."""

    name = "lpips"
    summary = "LPIPS diversity of the samples of a label map"
    section = LPIPSSection
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("lpips", "LPIPS", "higher", highest=1.0, main=True),
        Output("class_lpips", "LPIPS in a class", "higher", highest=1.0, per_class=True),
    )

    def weights(self, section: LPIPSSection, segmenter: str | None = None) -> list[str]:
        return [section.weights]

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: LPIPSSection = context.section
        common: dict[str, Any] = {"direction": "higher", "extractor": section.title, "extractor_sha256": ""}
        options = context.samples.options
        if options is not None and not options.stochastic:
            note = "zero by construction: one picture a label map"
            return MetricResult([context.row(metric="lpips", value=0.0, note=note, **common)], [])
        seeds = _seeds(context, section)
        network = network_of(context, section.weights)
        common |= {"seeds": spell_seeds(seeds), "extractor_sha256": tensors_sha256(network.network.state_dict())}
        same_everywhere({section.title: common["extractor_sha256"]})
        ids, each = _of_maps(context, section, network, seeds)
        rows = list(_rows(context, section, each, common))
        return MetricResult(rows, list(_per_image(context, ids, each, common["extractor_sha256"])))


def diversities(context: EvaluationContext) -> tuple[tuple[str, ...], np.ndarray]:
    """The ids of the label maps and the mean distance of the samples of each, float64 (N,); 0 by construction too."""
    options = context.samples.options
    if options is not None and not options.stochastic:
        ids = next(iter(context.samples.images.values())).ids
        return ids, np.zeros(len(ids))
    section: LPIPSSection = context.section
    ids, each = _of_maps(context, section, network_of(context, section.weights), _seeds(context, section))
    return ids, np.array([one.mean for one in each])


def network_of(context: EvaluationContext, name: str) -> LPIPS:
    """The network of the registry's weights `name`, as the protocol pins them; built once an evaluation."""
    key = ("lpips", name, context.protocol.weights.get(name))
    if key not in context.shared.kept:
        weights = pinned_weights(context.protocol, name)
        context.shared.kept[key] = load_lpips(weights, NETS[name], str(context.device))
    network: LPIPS = context.shared.kept[key]
    return network


def _seeds(context: EvaluationContext, section: LPIPSSection) -> list[int]:
    """As many seeds as the protocol takes, the lowest first; raises UserError where there are fewer."""
    samples = context.samples
    wanted = section.samples or max(2, len(samples.images))
    if len(samples.images) < wanted:
        least = "at least two samples" if section.samples is None else f"{wanted} samples"
        made = "`sdm-bench generate --seeds` adds others, --seeds says which are measured"
        advice = made if samples.options else "give --images once a sample, or a pattern with {sample}"
        raise UserError(
            f"diversity needs {least} a label map for {context.protocol.name}; {samples.name} has "
            f"{len(samples.images)} (seeds: {samples.seeds}); {advice}"
        )
    return sorted(samples.images)[:wanted]


def _of_maps(
    context: EvaluationContext, section: LPIPSSection, network: LPIPS, seeds: Sequence[int]
) -> tuple[tuple[str, ...], list[MapDiversity]]:
    """The ids of the label maps, and what the samples of each show; shared by all processes."""
    sources = [context.samples.images[seed] for seed in seeds]
    ids = sources[0].ids
    records = {record.id: record for record in context.dataset.records}
    prepare = preprocessing(section.preprocessing)
    size = context.samples.size if section.per_class or section.preprocessing == "plain" else None

    def of_map(number: int) -> MapDiversity:
        pictures = torch.stack([prepare(source.read(number)) for source in sources])
        if not section.per_class or size is None:
            return diversity(network, pictures)
        return diversity(network, pictures, resize_map(context.dataset.label(records[ids[number]]), size))

    def work(numbers: Sequence[int]) -> list[MapDiversity]:
        return [of_map(number) for number in track(numbers, "LPIPS diversity", len(numbers), unit="maps")]

    return ids, shared(work, len(ids))


def _rows(
    context: EvaluationContext, section: LPIPSSection, each: Sequence[MapDiversity], common: dict[str, Any]
) -> Iterator[ResultRow]:
    found = corpus_diversity((one.mean for one in each), BATCHES[section.preprocessing])
    yield context.row(metric="lpips", value=found.mean, **_spread(found.spread), **common)
    classes = context.dataset.classes
    for index, name in enumerate(classes.names):
        values = [one.classes[index] for one in each if index in one.classes]
        if values and classes.evaluate_as[index] != IGNORED:
            inside = corpus_diversity(values)
            fields = {"value": inside.mean, "class_name": name, **_spread(inside.spread)}
            yield context.row(metric="class_lpips", **fields, **common)


def _spread(spread: float) -> dict[str, Any]:
    return {} if np.isnan(spread) else {"spread": spread, "spread_over": "label maps"}


def _per_image(
    context: EvaluationContext, ids: Sequence[str], each: Sequence[MapDiversity], extractor: str
) -> Iterator[PerImage]:
    """The mean of each label map, and its spread over pairs where there are several."""
    for name, found in zip(ids, each, strict=True):
        yield context.per_image(None, name, extractor, "lpips", found.mean)
        if found.pairs.size > 1:
            yield context.per_image(None, name, extractor, "lpips_spread", found.spread)
