"""CLIP score: how well pictures fit their captions."""

from typing import ClassVar, Literal

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section
from sdm_bench.datasets.captions import Captions
from sdm_bench.evaluation.context import EvaluationContext, Size, mean_and_spread
from sdm_bench.evaluation.extractors import extractor_of, pinned_weights
from sdm_bench.evaluation.metric import Metric, MetricResult, Output
from sdm_bench.metrics.clip_score import clip_score, clip_scores
from sdm_bench.metrics.clip_text import LONGEST, VOCABULARY_SHA256, text_features
from sdm_bench.protocols.protocols import Protocol
from sdm_bench.results.sample_sets import SampleSet, spell_seeds


class CLIPScoreSection(Section):
    """What a protocol states of the CLIP score on a dataset.

    extractor: registry name of its weights, which hold both encoders. samples, sample_size: see evaluation/groups.py.
    """

    extractor: Literal["clip-vit-b-16"]
    samples: int | None = None
    sample_size: Size | None = None


class CLIPScore(Metric):
    """CLIP score of all measured pictures with the captions of their label maps; its spread is over groups."""

    name = "clip_score"
    summary = "how well pictures fit the captions of --captions"
    section = CLIPScoreSection
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("clip_score", "CLIP score", "higher", digits=2, highest=100.0, main=True),
    )

    def weights(self, section: CLIPScoreSection, segmenter: str | None = None) -> list[str]:
        return [section.extractor]

    def refuse_samples(self, section: CLIPScoreSection, protocol: Protocol, samples: SampleSet) -> None:
        super().refuse_samples(section, protocol, samples)
        _captions(samples)

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: CLIPScoreSection = context.section
        groups, captions = context.groups(), _captions(context.samples)
        extractor = extractor_of(context, section.extractor, "its own")
        ids = next(iter(groups.values())).ids
        texts = [captions.texts[name] for name in ids]
        weights = pinned_weights(context.protocol, section.extractor)
        words = text_features(section.extractor, weights, texts, str(context.device))
        digest = sha256_lines([extractor.weights_sha256, words.sha256, VOCABULARY_SHA256])
        note = f"captions cut after {LONGEST} tokens: {words.cut}" if words.cut else ""
        if note:
            say(f"warning: {note}")
        scores = {
            seed: clip_scores(context.features(source, extractor), words.features) for seed, source in groups.items()
        }
        fields = mean_and_spread([float(each.mean()) for each in scores.values()])
        row = context.row(
            metric="clip_score",
            direction="higher",
            extractor=extractor.name,
            extractor_sha256=digest,
            reference_sha256=captions.sha256,
            seeds=spell_seeds(groups),
            note=note,
            **{**fields, "value": clip_score(np.concatenate(list(scores.values())))},
        )
        each = [
            context.per_image(seed, name, digest, "clip_score", float(value))
            for seed, values in scores.items()
            for name, value in zip(ids, values, strict=True)
        ]
        return MetricResult([row], each)


def _captions(samples: SampleSet) -> Captions:
    if samples.captions is None:
        raise UserError("the CLIP score needs --captions FILE: a caption for each label map of the split")
    return samples.captions
