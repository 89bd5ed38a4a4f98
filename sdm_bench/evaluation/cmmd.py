"""CMMD: the maximum mean discrepancy of CLIP embeddings."""

from typing import ClassVar, Literal

from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section
from sdm_bench.evaluation.context import EvaluationContext, mean_and_spread
from sdm_bench.evaluation.extractors import extractor_of
from sdm_bench.evaluation.metric import Metric, MetricResult, Output
from sdm_bench.metrics.cmmd import cmmd


class CMMDSection(Section):
    """What a protocol states of CMMD on a dataset.

    extractor: registry name of its weights. sigma, scale: of the kernel and of the value. real_recipe: how photographs
    are resized to the samples' size. real_count: how many photographs there are, None where anything goes.
    """

    extractor: Literal["clip-vit-l-14-336"]
    sigma: float = 10.0
    scale: float = 1000.0
    real_recipe: Literal["sdm", "spade"] = "sdm"
    real_count: int | None = None


class CMMD(Metric):
    """CMMD of every seed's pictures to the photographs of the split: the mean over seeds, with their spread."""

    name = "cmmd"
    summary = "maximum mean discrepancy of CLIP embeddings"
    section = CMMDSection
    cached = "features"
    outputs: ClassVar[tuple[Output, ...]] = (Output("cmmd", "CMMD", "lower", digits=3, main=True),)

    def weights(self, section: CMMDSection, segmenter: str | None = None) -> list[str]:
        return [section.extractor]

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: CMMDSection = context.section
        extractor = extractor_of(context, section.extractor, "its own")
        photographs = context.photographs(section.real_recipe)
        real = context.features(photographs, extractor)
        values = [
            cmmd(context.features(source, extractor), real, section.sigma, section.scale)
            for source in context.samples.images.values()
        ]
        if section.real_count not in (None, len(real)):
            say(f"warning: {len(real)} photographs; the real set of {context.protocol.name} has {section.real_count}")
        row = context.row(
            metric="cmmd",
            direction="lower",
            extractor=extractor.name,
            extractor_sha256=extractor.weights_sha256,
            num_real=len(real),
            reference_sha256=photographs.manifest,
            **mean_and_spread(values),
        )
        return MetricResult([row], [])
