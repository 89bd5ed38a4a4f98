"""What samples are called."""

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.sampling.folders import LONGEST_VARIANT, variant_called
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import SamplingOptions


@pytest.mark.parametrize("variant", ["", "EMA", "100% $x_1$ | <b> & #~^\\", "style by hand", "x" * LONGEST_VARIANT])
def test_a_variant_is_any_text_on_a_line(variant: str) -> None:
    assert variant_called(variant) == variant


def test_variants_that_look_alike_are_one() -> None:
    assert variant_called("  without \u00a0 edges ") == "without edges"
    assert variant_called("e\u0301lan") == variant_called("\u00e9lan")


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("a\nb", "--variant 'a b': control characters or line breaks"),
        ("EMA\u200b", "control characters"),
        ("\u202eAME", "control characters"),
        ("x" * (LONGEST_VARIANT + 1), "201 characters; expected up to 200"),
        ("guided by a segmenter", "'guided by a segmenter' is what tables say of samples that were made so"),
        ("a,  Ground-Truth style", "'Ground-Truth style' is what tables say"),
        ("margin 4, b", "'margin 4' is what tables say"),
    ],
)
def test_what_no_table_could_show_or_says_otherwise_is_refused(variant: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        variant_called(variant)
    with pytest.raises(UserError, match=message):
        generate_samples(WeightsSpec(method="sdm"), DatasetSplit(), None, [0], SamplingOptions(), "", variant)
