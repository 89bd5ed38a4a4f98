"""Several samples of each label map as groups: which of them a protocol measures, and which it refuses.

Group k are the k-th samples of all label maps. Whether a number is the mean over groups or of all of them together is a
matter of each metric.
"""

from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.images import ImageSource
from sdm_bench.results.gathered import spell_sizes
from sdm_bench.results.sample_sets import SampleSet, spell_seeds


def groups(section: Any, protocol: str, samples: SampleSet) -> dict[int, ImageSource]:
    """The pictures to measure by sample number: as many groups as the protocol takes, those of the lowest numbers.

    section: with the fields `samples`, how many groups it takes, None for all; and `sample_size`, the (height, width)
    that pictures must have, None for any. Raises UserError where there are fewer or they have another size.
    """
    wanted = section.samples or len(samples.images)
    if len(samples.images) < wanted:
        raise UserError(
            f"{protocol} measures {wanted} samples of each label map; {samples.name} has {len(samples.images)} "
            f"(numbers: {spell_seeds(samples.images)})"
        )
    if section.sample_size is not None and set(samples.sizes) != {section.sample_size}:
        height, width = section.sample_size
        raise UserError(
            f"{protocol} measures pictures of {width}x{height}; {samples.name} has {spell_sizes(samples.sizes)}"
        )
    return {number: samples.images[number] for number in sorted(samples.images)[:wanted]}


def grouped(section: Any) -> bool:
    """Whether a protocol may state of the metric which groups it takes."""
    return {"samples", "sample_size"} <= set(type(section).model_fields)
