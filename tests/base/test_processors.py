"""The settings under which numeric tests run elsewhere change what they are meant to change."""

import pytest
import torch

from tests.processors import SETTINGS, digests_under

EXPECTED = {"no vector extensions in ATen": "DEFAULT", "AVX2 everywhere": "AVX2"}


@pytest.mark.parametrize("setting", EXPECTED)
def test_a_setting_reaches_the_kernels(setting: str) -> None:
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("a processor, or a setting, without vector extensions")
    assert digests_under(setting)["ATen"] == EXPECTED[setting]


def test_the_same_setting_gives_the_same_bits() -> None:
    assert digests_under("AVX2 everywhere") == digests_under("AVX2 everywhere")
    assert set(EXPECTED) < set(SETTINGS)
