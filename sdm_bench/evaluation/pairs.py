"""Numbers of pictures against pictures, which belong to no split: Fréchet distance of two sides, LPIPS of samples."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say, track
from sdm_bench.evaluation.companions import FEW_IMAGES
from sdm_bench.evaluation.extractors import load_extractor, pinned_weights
from sdm_bench.evaluation.fid import FIDSection, ReferenceStatistics, distances, read_reference
from sdm_bench.evaluation.lpips import NETS, LPIPSSection
from sdm_bench.evaluation.metric import metric
from sdm_bench.metrics.features import extract
from sdm_bench.metrics.frechet import gaussian
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.lpips_diversity import (
    BATCHES,
    Diversity,
    corpus_diversity,
    diversity,
    load_lpips,
    preprocessing,
)
from sdm_bench.protocols.protocols import Protocol
from sdm_bench.results.gathered import Size, spell_sizes
from sdm_bench.weights.store import cache_folder


class Distance(NamedTuple):
    """A Fréchet distance. images, real_images: of each side, the latter None where statistics don't say.

    extractor: the network and how pictures are resized to it.
    """

    value: float
    images: int
    real_images: int | None
    extractor: str


def frechet(images: ImageSource, real: ImageSource | Path, chosen: Protocol, kind: str, device: str) -> Distance:
    """The Fréchet distance of pictures to others, each as they are, or to a file of statistics.

    kind: the dataset whose fields of the protocol hold. Raises UserError where the protocol measures groups of samples
    or pictures of another size, and where it compares with statistics that are not given.
    """
    section: FIDSection = metric("fid").stated(chosen, kind)
    metric("fid").refuse(section, chosen, isinstance(real, Path))
    _refuse_groups(section.samples, chosen)
    if section.sample_size is not None:
        _refuse_sizes(images, section.sample_size, chosen)
    extractor = load_extractor(chosen, section.extractor, section.resize, device)
    cache = cache_folder() / "features"
    features = extract(images, extractor, cache)
    if isinstance(real, Path):
        reference = read_reference(real, extractor)
    else:
        theirs = extract(real, extractor, cache)
        reference = ReferenceStatistics(gaussian(theirs), theirs, len(theirs), real.manifest)
    fewest = min(len(images), reference.images or len(images))
    if fewest < FEW_IMAGES:
        say(f"warning: FID from {fewest} images, fewer than {FEW_IMAGES}; comparable only at this number of images")
    value = distances(features, reference, section)["fid"]
    return Distance(value, len(images), reference.images, f"{extractor.name}, {section.resize}")


def lpips_of_samples(samples: Sequence[ImageSource], chosen: Protocol, kind: str, device: str) -> tuple[Diversity, str]:
    """LPIPS diversity of the pictures with one id, each source holding one sample of every id; and the network's title.

    Raises UserError where ids differ, where the pictures of an id have several sizes, and where the protocol takes
    another number of samples.
    """
    section: LPIPSSection = metric("lpips").stated(chosen, kind)
    wanted = section.samples or max(2, len(samples))
    if len(samples) != wanted:
        least = "at least two samples" if section.samples is None else f"{wanted} samples"
        raise UserError(f"{len(samples)} of each label map; {chosen.name} takes {least}")
    _refuse_other_ids(samples)
    sizes = [sizes_of(source) for source in samples]
    for name, of_id in zip(samples[0].ids, zip(*sizes, strict=True), strict=True):
        if len(set(of_id)) > 1 and section.preprocessing == "plain":
            found = ", ".join(f"{width}x{height}" for height, width in dict.fromkeys(of_id))
            raise UserError(f"{name}: samples of {found}; expected one size")
    network = load_lpips(pinned_weights(chosen, section.weights), NETS[section.weights], device)
    prepare = preprocessing(section.preprocessing)
    places = track(range(len(samples[0])), "LPIPS diversity", len(samples[0]), unit="maps")
    each = [diversity(network, torch.stack([prepare(source.read(k)) for source in samples])).mean for k in places]
    return corpus_diversity(each, BATCHES[section.preprocessing]), section.title


def _refuse_groups(wanted: int | None, chosen: Protocol) -> None:
    if wanted is not None:
        raise UserError(f"{chosen.name} takes the mean over {wanted} samples of each label map, which `evaluate` does")


def _refuse_sizes(images: ImageSource, expected: Size, chosen: Protocol) -> None:
    sizes = Counter(sizes_of(images))
    if set(sizes) != {expected}:
        height, width = expected
        raise UserError(f"{chosen.name} measures pictures of {width}x{height}; {images.name} has {spell_sizes(sizes)}")


def _refuse_other_ids(samples: Sequence[ImageSource]) -> None:
    first = samples[0]
    for other in samples[1:]:
        differing = sorted(set(first.ids) ^ set(other.ids))
        if differing:
            where = first.name if differing[0] in first.ids else other.name
            raise UserError(
                f"{len(differing)} pictures in one of {first.name} and {other.name} alone, such as {differing[0]} in "
                f"{where}; expected the same names, one a label map"
            )


def sizes_of(images: ImageSource) -> list[Size]:
    """(height, width) of each picture."""
    return [(header.height, header.width) for header in images.headers()]
