"""The measures of edits on cases with known values."""

import numpy as np
import pytest
import torch

from sdm_bench.metrics.editing import (
    Energy,
    border_energy,
    mean_squared_error,
    psnr,
    seam,
    spatial_lpips,
    summed,
)
from sdm_bench.metrics.lpips_diversity import LPIPS

SHAPE = (48, 64)


def disc(centre: tuple[int, int] = (24, 30), radius: int = 12) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


def photograph(seed: int) -> np.ndarray:
    """Smoothed noise on a slope: neighbours differ a little everywhere, as in photographs."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 40, (SHAPE[0] + 2, SHAPE[1] + 2, 3))
    smooth = sum(noise[dy : dy + SHAPE[0], dx : dx + SHAPE[1]] for dy in range(3) for dx in range(3)) / 9
    return (128 + smooth + np.linspace(-30, 30, SHAPE[1])[None, :, None]).clip(0, 255).astype(np.uint8)


def test_the_error_is_that_outside_alone() -> None:
    first, second, erased = photograph(0), photograph(0), disc()
    second[erased] = 0
    assert mean_squared_error(first, second, ~erased) == 0
    second[~erased] ^= 1
    assert mean_squared_error(first, second, ~erased) == 1


def test_psnr_is_of_8_bits() -> None:
    assert psnr(0) == float("inf")
    assert psnr(255**2) == 0
    assert psnr(1) == pytest.approx(48.1308, abs=1e-4)


def test_the_energy_of_a_border_counts_each_pair_once() -> None:
    """A single pixel has four neighbours; each step is 10 in one channel of three."""
    picture, erased = np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5), bool)
    erased[2, 2], picture[2, 2, 0] = True, 10
    assert border_energy(picture, erased) == Energy(4 * 100 / 3, 4)
    label = np.zeros((5, 5), int)
    label[2, 3] = 1
    assert border_energy(picture, erased, label) == Energy(3 * 100 / 3, 3)
    assert border_energy(picture, np.ones((5, 5), bool)) == Energy(0, 0)
    assert summed([Energy(1.0, 2), Energy(3.0, 4)]) == Energy(4.0, 6)


def seam_of(pictures: list[np.ndarray], erased: list[np.ndarray]) -> float:
    """The seam of pictures against photographs that are none of them."""
    others = [photograph(seed) for seed in range(100, 112)]
    edited = summed([border_energy(*each) for each in zip(pictures, erased, strict=True)])
    return seam(edited, summed([border_energy(other, mask) for mask in erased for other in others]))


CURVES = [disc(), disc((14, 20), 9), disc((30, 44), 14), np.mgrid[: SHAPE[0], : SHAPE[1]][1] < 20]


def test_without_a_seam_it_is_near_one() -> None:
    """Untouched photographs, and one that becomes darker from the border inwards, where no step is."""
    pictures = [photograph(seed) for seed in range(4)]
    assert seam_of(pictures, CURVES) == pytest.approx(1, abs=0.1)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = (12**2 - (y - 24) ** 2 - (x - 30) ** 2).clip(0) / 144
    shaded = (pictures[0] - 40.0 * depth[..., None]).clip(0, 255).astype(np.uint8)
    assert seam_of([shaded], CURVES[:1]) < 1.6


def test_a_step_inside_adds_its_square_to_the_energy() -> None:
    """seam = 1 + d^2 / E for a step of d along the whole border, E the mean step of photographs there."""
    others = summed([border_energy(photograph(seed), mask) for mask in CURVES for seed in range(100, 112)])
    found = []
    for step in (0, 10, 20, 40):
        pictures = [photograph(seed) for seed in range(4)]
        for picture, mask in zip(pictures, CURVES, strict=True):
            picture[mask] += np.uint8(step)
        found.append(seam_of(pictures, CURVES))
    assert found == sorted(found)
    for step, value in zip((10, 20, 40), found[1:], strict=True):
        assert value - found[0] == pytest.approx(step**2 / others.mean, rel=0.15)


def test_another_photograph_pasted_in_is_a_seam_and_a_blurred_border_is_below_one() -> None:
    pasted = np.where(CURVES[0][..., None], photograph(50) // 2, photograph(0))
    assert seam_of([pasted], CURVES[:1]) > 3
    assert seam_of([np.full((*SHAPE, 3), 128, np.uint8)], CURVES[:1]) == 0


def test_an_outline_counts_unless_it_lies_between_classes() -> None:
    mask = CURVES[0]
    picture = photograph(0)
    picture[mask] += np.uint8(60)
    label = mask.astype(int)
    assert border_energy(picture, mask).mean > 3000
    assert border_energy(picture, mask, label).pairs == 0
    assert np.isnan(seam(border_energy(picture, mask, label), border_energy(picture, mask)))


def test_photographs_without_steps_have_no_seam_to_compare_with() -> None:
    assert np.isnan(seam(Energy(1.0, 1), Energy(0.0, 4)))


def test_spatial_lpips_is_that_of_the_package() -> None:
    torch.manual_seed(0)
    network = LPIPS("alex").eval()
    first, second = torch.rand(2, 3, 40, 56) * 2 - 1
    theirs = network.network
    theirs.spatial = True
    with torch.no_grad():
        expected = theirs(first[None], second[None])[0, 0].numpy()
    found = spatial_lpips(network, first, second)
    assert found.shape == (40, 56)
    assert np.allclose(found, expected, atol=1e-5)
    assert spatial_lpips(network, first, first).max() == 0
