"""Thresholding in closed form."""

import pytest
import torch

from sdm_bench.diffusion.thresholding import check_threshold, threshold
from sdm_bench.errors import UserError

X_START = torch.tensor([[-3.0, -0.5, 0.0, 0.5, 2.0], [-0.9, -0.5, 0.0, 0.5, 0.4]]).reshape(2, 1, 1, 5)


def test_clipping_and_nothing() -> None:
    assert threshold("clip", X_START).flatten().tolist()[:5] == [-1, -0.5, 0, 0.5, 1]
    assert torch.equal(threshold("none", X_START), X_START)


def test_dynamic_thresholding_divides_by_the_quantile_of_each_sample() -> None:
    half = threshold("dynamic-0.75", X_START)
    assert half[0].flatten().tolist() == [-1, -0.25, 0, 0.25, 1]
    assert torch.equal(half[1], X_START[1])
    whole = threshold("dynamic-1", X_START)
    assert torch.allclose(whole[0], X_START[0] / 3)
    assert threshold("dynamic", X_START).abs().max() <= 1


@pytest.mark.parametrize("name", ["clamp", "dynamic-x", "dynamic-0", "dynamic-1.5", ""])
def test_unknown_thresholdings_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--threshold {name}: expected clip, none, dynamic"):
        check_threshold(name)
