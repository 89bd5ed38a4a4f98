"""LPIPS against the plain package call, diversity against its definition, and published values."""

import math
import warnings
from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import read_safetensors, read_torch
from sdm_bench.metrics.lpips_diversity import (
    LPIPS,
    SMALLEST_SIDE,
    Net,
    corpus_diversity,
    diversity,
    load_lpips,
    preprocessing,
)
from sdm_bench.weights.layouts import linear_layers
from tests.weights.cached import cached


def random_weights(net: Net) -> dict[str, Tensor]:
    """Random weights of the backbone, and the linear layers of the package."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in LPIPS(net).network.state_dict().items() if name[:4] == "net."}
    drawn = {}
    for name, shape in shapes.items():
        scale = math.sqrt(2 / max(1, math.prod(shape[1:]))) if len(shape) > 1 else 0.1
        drawn[name] = torch.randn(shape, generator=generator) * scale
    return drawn | read_torch(linear_layers(net))


def pictures(count: int, height: int, width: int) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def alex() -> LPIPS:
    return load_lpips(random_weights("alex"), "alex")


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_distances_are_those_of_the_package(net: Net) -> None:
    import lpips

    weights = random_weights(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    package.load_state_dict(weights, strict=False)
    with torch.device("meta"):
        ours = LPIPS(net)
    ours.load(weights)
    first, second = pictures(6, 70, 90).chunk(2)
    with torch.no_grad():
        expected = package(first, second).flatten()
        torch.testing.assert_close(ours(first, second), expected, rtol=1e-5, atol=1e-7)
    assert expected.min() > 1e-3


def test_loading_is_quiet_strict_and_draws_no_random_numbers(alex: LPIPS, capsys: pytest.CaptureFixture[str]) -> None:
    weights = random_weights("alex")
    before = torch.random.get_rng_state()
    load_lpips(weights, "alex")
    assert torch.equal(before, torch.random.get_rng_state())
    assert capsys.readouterr() == ("", "")
    assert not any(value.requires_grad for value in alex.parameters())
    for change in ({"net.slice1.0.bias": None}, {"extra": torch.ones(1)}):
        changed = {k: v for k, v in (weights | change).items() if v is not None}
        with pytest.raises(UserError, match=rf"LPIPS \(alex\): these are not the weights(?s:.*){next(iter(change))}"):
            load_lpips(changed, "alex")


@pytest.mark.parametrize("count", [2, 5, 18])
def test_diversity_is_the_mean_over_all_pairs(alex: LPIPS, count: int) -> None:
    samples = pictures(count, 40, 64)
    first, second = zip(*combinations(range(count), 2), strict=True)
    pairs = alex(samples[list(first)], samples[list(second)])
    assert len(pairs) == count * (count - 1) // 2
    assert diversity(alex, samples).mean == pytest.approx(pairs.mean().item(), rel=1e-5)


def test_equal_samples_have_none_and_more_noise_has_more(alex: LPIPS) -> None:
    base, noise = pictures(2, 48, 48)
    assert diversity(alex, base.expand(4, 3, 48, 48)).mean == 0
    samples = [torch.stack([base, (base + scale * noise).clamp(-1, 1)]) for scale in (0.05, 0.5)]
    assert 0 < diversity(alex, samples[0]).mean < diversity(alex, samples[1]).mean


def test_the_backbone_runs_once_a_picture(alex: LPIPS) -> None:
    seen: list[int] = []
    handle = alex.network.net.slice1.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    diversity(alex, pictures(18, 32, 32))
    handle.remove()
    assert sum(seen) == 18


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_pictures_that_are_too_small_are_refused(net: Net) -> None:
    with torch.device("meta"):
        network = LPIPS(net).to("meta")
    smallest = SMALLEST_SIDE[net]
    enough, less = (torch.empty(1, 3, side, 64, device="meta") for side in (smallest, smallest - 1))
    assert len(network.features(enough)) == len(network.network.lins)
    with pytest.raises(UserError, match=rf"pictures of 64x{smallest - 1} pixels; .* at least {smallest}"):
        network.features(less)
    with pytest.raises(RuntimeError, match="too small"):
        network.network.net(less)


def test_one_sample_has_no_diversity(alex: LPIPS) -> None:
    with pytest.raises(UserError, match="at least two"):
        diversity(alex, pictures(1, 32, 32))


def test_the_corpus_value_is_the_mean_over_maps() -> None:
    found = corpus_diversity([0.1, 0.2, 0.6])
    assert (found.mean, found.maps) == (pytest.approx(0.3), 3)
    assert found.spread == pytest.approx(math.sqrt((0.04 + 0.01 + 0.09) / 2))
    assert math.isnan(corpus_diversity([0.1]).spread)
    with pytest.raises(UserError, match="no label maps"):
        corpus_diversity([])


def test_means_of_batches_count_a_small_last_one_like_the_others() -> None:
    values = [0.1, 0.2, 0.3, 0.7]
    assert corpus_diversity(values, batch=3).mean == pytest.approx((0.2 + 0.7) / 2)
    assert corpus_diversity(values, batch=2).mean == pytest.approx(0.325)
    assert corpus_diversity(values, batch=3).spread == corpus_diversity(values).spread


@pytest.mark.parametrize("size", [(256, 256), (256, 512), (120, 90)])
def test_the_preprocessing_of_sdm_is_its_loader_s(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    theirs = transforms.Compose(
        [
            transforms.Resize([256, 256]),
            transforms.Resize([299, 299]),
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ]
    )
    torch.testing.assert_close(preprocessing("sdm")(image), theirs(Image.fromarray(image)), rtol=0, atol=1e-6)


def test_the_plain_preprocessing_is_the_picture_between_minus_one_and_one() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    expected = torch.from_numpy(image).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(preprocessing("plain")(image), expected, rtol=0, atol=1e-6)
    with pytest.raises(UserError, match="Unknown preprocessing of LPIPS 'sdn'"):
        preprocessing("sdn")


def package_maps(network: LPIPS, samples: Tensor) -> np.ndarray:
    """The package's own spatial distances of every pair, (pairs, H, W)."""
    network.network.spatial = True
    try:
        first, second = zip(*combinations(range(len(samples)), 2), strict=True)
        with torch.no_grad():
            return network.network(samples[list(first)], samples[list(second)])[:, 0].numpy().astype(np.float64)
    finally:
        network.network.spatial = False


def test_class_diversity_is_the_mean_of_the_package_s_spatial_distances(alex: LPIPS) -> None:
    samples = pictures(4, 70, 90)
    label = np.random.default_rng(0).integers(0, 3, (70, 90)) * 7
    maps = package_maps(alex, samples)
    found = diversity(alex, samples, label).classes
    assert list(found) == [0, 7, 14]
    for each, value in found.items():
        assert value == pytest.approx(maps[:, label == each].mean(), rel=1e-5)
    weighted = sum(value * (label == each).mean() for each, value in found.items())
    assert weighted == pytest.approx(maps.mean(), rel=1e-5)
    assert diversity(alex, samples, np.zeros((70, 90), int)).classes == {0: pytest.approx(maps.mean(), rel=1e-5)}


def test_a_difference_inside_one_class_is_the_diversity_of_that_class(alex: LPIPS) -> None:
    """The last layer sees 163 pixels; farther from the difference than that, and than a step of 16, there is none."""
    base, noise = pictures(2, 64, 640)
    other = base.clone()
    other[:, :, 500:] = noise[:, :, 500:]
    label = np.zeros((64, 640), np.int64)
    label[:, 260:] = 1
    samples = torch.stack([base, other, base])
    found = diversity(alex, samples, label).classes
    assert found[0] == 0
    total = package_maps(alex, samples).mean()
    assert found[1] == pytest.approx(total * 640 / 380, rel=1e-5)
    assert found[1] > 0.01
    swapped = diversity(alex, samples, 1 - label).classes
    assert (swapped[1], swapped[0]) == (found[0], found[1])


def test_class_diversity_needs_a_label_map_and_two_samples(alex: LPIPS) -> None:
    with pytest.raises(UserError, match=r"label map of shape \(1, 40, 40\)"):
        diversity(alex, pictures(2, 40, 40), np.zeros((1, 40, 40), int))
    with pytest.raises(UserError, match="at least two"):
        diversity(alex, pictures(1, 40, 40), np.zeros((40, 40), int))


def test_an_unknown_network_gets_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'vgg'"):
        LPIPS("vgg16")  # type: ignore[arg-type]


# LPIPS v0.1 of ten pairs of 100 px noise from np.random.seed(123), printed by users of the original weights.
VALUES = {
    "vgg": "0.3497 0.3494 0.3473 0.3558 0.3437 0.3366 0.3716 0.3516 0.3472 0.3413",
    "alex": "0.1645 0.1390 0.1418 0.1312 0.1731 0.1486 0.1301 0.1288 0.1422 0.1461",
}


@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_the_values_others_print(net: Net) -> None:
    network = load_lpips(read_safetensors(cached(f"lpips-{net}")), net)
    generator = np.random.RandomState(123)
    first, second = (torch.from_numpy(2 * generator.rand(10, 3, 100, 100) - 1).float() for _ in range(2))
    with torch.no_grad():
        assert [f"{value:.4f}" for value in network(first, second)] == VALUES[net].split()


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_cached_weights_have_the_linear_layers_of_the_package(net: str) -> None:
    tensors = read_safetensors(cached(f"lpips-{net}"))
    for name, value in read_torch(linear_layers(net)).items():
        assert torch.equal(tensors[name], value), name
