"""KID by itself, for protocols whose Fréchet distance is of other features than Inception's."""

from typing import ClassVar, Literal

from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section
from sdm_bench.evaluation.context import EvaluationContext, mean_and_spread
from sdm_bench.evaluation.extractors import extractor_of
from sdm_bench.evaluation.metric import Metric, MetricResult, Output
from sdm_bench.metrics.kernel import kernel_distance


class KIDSection(Section):
    """What a protocol states of KID on a dataset.

    extractor: registry name of its weights. resize: a mode of metrics/resize.py. real_recipe: how photographs are
    resized to the samples' size. real_count: how many photographs there are, None where anything goes.
    """

    extractor: Literal["inception-2015-12-05"]
    resize: Literal["clean", "legacy_pytorch", "sdm", "tf1"]
    real_recipe: Literal["sdm", "spade"] = "sdm"
    real_count: int | None = None


class KID(Metric):
    """KID of every seed's pictures to the photographs over all pairs, the mean over seeds; and its standard error."""

    name = "kid"
    summary = "kernel Inception distance over all pairs, with its standard error"
    section = KIDSection
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("inception_kid", "Inception KID", "lower", main=True),
        Output("inception_kid_standard_error", "Inception KID error", "lower"),
    )

    def weights(self, section: KIDSection, segmenter: str | None = None) -> list[str]:
        return [section.extractor]

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: KIDSection = context.section
        extractor = extractor_of(context, section.extractor, section.resize)
        photographs = context.photographs(section.real_recipe)
        real = context.features(photographs, extractor)
        found = [
            kernel_distance(context.features(source, extractor), real) for source in context.samples.images.values()
        ]
        if section.real_count not in (None, len(real)):
            say(f"warning: {len(real)} photographs; the real set of {context.protocol.name} has {section.real_count}")
        common = {
            "direction": "lower",
            "extractor": f"{extractor.name}, {section.resize}",
            "extractor_sha256": extractor.weights_sha256,
            "num_real": len(real),
            "reference_sha256": photographs.manifest,
        }
        figures = {
            "inception_kid": [each.value for each in found],
            "inception_kid_standard_error": [each.standard_error for each in found],
        }
        rows = [context.row(metric=name, **mean_and_spread(values), **common) for name, values in figures.items()]
        return MetricResult(rows, [])
