"""What is cached over many steps gives the outputs of the plain network, at the cost that it promises."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from sdm_bench.conditioning import Condition
from sdm_bench.models import methods
from sdm_bench.models.concat_ddpm import ConcatDDPM
from sdm_bench.models.modulation import CachedCondition, SparseOneHot, sparse_convolution
from sdm_bench.models.sdm import SDM
from sdm_bench.models.unet import UNet, UNetConfig
from tests.models.test_unet import CONFIG, randomised

TIMES = (torch.tensor([7]), torch.tensor([900]))


def condition(config: UNetConfig = CONFIG, count: int = 2, size: tuple[int, int] = (8, 16)) -> Condition:
    generator = torch.Generator().manual_seed(2)
    label = torch.randint(config.num_classes, (count, *size), generator=generator)
    instance = torch.randint(3, (count, *size), generator=generator).int() if config.edges else None
    return Condition(label, instance, config.num_classes, torch.ones(count, dtype=torch.bool))


def pictures(count: int = 2, size: tuple[int, int] = (8, 16)) -> torch.Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("cache", ["auto", "full", "shared", "off"])
@pytest.mark.parametrize("network", [SDM, ConcatDDPM])
def test_the_cached_network_is_the_plain_one(network: type[UNet], cache: str, guided: bool) -> None:
    model = randomised(network(CONFIG))
    assert isinstance(model, UNet)
    with torch.inference_mode():
        plain, cached = model.plain(condition(), guided), model.cached(condition(), guided, cache, 30_000)
        for t in TIMES * 2:
            expected = plain(pictures(), t)
            assert expected.shape == (4 if guided else 2, 6, 8, 16)
            assert torch.allclose(cached(pictures(), t), expected, atol=1e-5)


def test_a_deeper_network_without_edges_and_other_resampling_agrees_too() -> None:
    config = CONFIG.model_copy(update={"edges": False, "channel_mult": (1, 2, 2), "resblock_updown": False})
    model = randomised(SDM(config))
    about = condition(config)
    with torch.inference_mode():
        expected = model.plain(about, guided=True)(pictures(), TIMES[0])
        assert torch.allclose(model.cached(about, guided=True)(pictures(), TIMES[0]), expected, atol=1e-5)


def test_a_dropped_label_is_the_null_label() -> None:
    model = randomised(SDM(CONFIG))
    about = condition().drop(torch.tensor([True, False]))
    with torch.inference_mode():
        labelled, null = model.cached(about, guided=True)(pictures(), TIMES[0]).chunk(2)
    assert torch.allclose(labelled[0], null[0], atol=1e-5)
    assert not torch.allclose(labelled[1], null[1], atol=1e-3)


def test_without_memory_for_both_branches_they_run_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = randomised(SDM(CONFIG))
    whole = model.decode
    sizes = []

    def decode(encoded, semantics):  # type: ignore[no-untyped-def]
        sizes.append(len(encoded.skips[0]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError
        return whole(encoded, semantics)

    monkeypatch.setattr(model, "decode", decode)
    with torch.inference_mode():
        cached, expected = model.cached(condition(), guided=True), model.plain(condition(), guided=True)
        for t in TIMES:
            assert torch.allclose(cached(pictures(), t), expected(pictures(), t), atol=1e-5)
    assert sizes.count(4) == 1
    assert "not enough memory for both branches" in capsys.readouterr().err


def kept_bytes(cache: str, limit: int = 0) -> int:
    model = randomised(SDM(CONFIG))
    cached = CachedCondition(SparseOneHot.of(condition(), edges=True), (True,), cache, limit)
    with torch.inference_mode():
        model.decode(model.encode(pictures(), TIMES[0]), cached)
    return cached.kept_bytes


def test_what_is_kept_stays_within_its_limit() -> None:
    full, shared = kept_bytes("full"), kept_bytes("shared")
    assert kept_bytes("off") == 0 < shared < full
    assert kept_bytes("auto", 2 * full) == full
    assert 0 < kept_bytes("auto", full // 2) <= full // 2


def test_the_first_convolution_of_a_one_hot_map_is_a_sum_of_weights() -> None:
    about = condition().drop(torch.tensor([False, True]))
    convolution = nn.Conv2d(6, 4, 3, padding=1)
    with torch.inference_mode():
        for size in ((8, 16), (4, 8), (1, 2)):
            one_hot = SparseOneHot.of(about, edges=True).resized(torch.Size(size))
            expected = convolution(F.interpolate(about.semantics(edges=True), size=size, mode="nearest"))
            assert torch.allclose(sparse_convolution(convolution, one_hot), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 4), (7, 9)])
def test_the_null_label_is_modulated_alike_everywhere_but_at_the_border(size: tuple[int, int]) -> None:
    layer = randomised(SDM(CONFIG)).middle_block[0].in_norm
    cached = CachedCondition(SparseOneHot.of(condition(), edges=True), (True, False))
    with torch.inference_mode():
        expected = layer.modulation(layer.hidden(torch.zeros(1, 6, *size), torch.Size(size)))
        found = cached.unlabelled(layer, torch.Size(size), expected[0])
    assert all(torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in zip(found, expected, strict=True))


def test_a_convolution_after_upsampling_runs_at_the_lower_resolution() -> None:
    convolution, x = nn.Conv2d(3, 5, 3, padding=1), pictures(size=(4, 6))
    with torch.inference_mode():
        expected = convolution(F.interpolate(x, scale_factor=2, mode="nearest"))
        assert torch.allclose(CachedCondition(None, (True,)).upsampled(convolution, x), expected, atol=1e-5)


def test_a_guided_step_of_the_ade20k_preset_costs_half_of_two_plain_passes() -> None:
    network = methods.preset("sdm", "paper", "ade20k").network
    config = methods.network_config("sdm", {**network, "num_classes": 151})

    def tflop(denoise, x: torch.Tensor, t: torch.Tensor) -> float:  # type: ignore[no-untyped-def]
        with FlopCounterMode(display=False) as counter:
            denoise(x, t)
        return counter.get_total_flops() / 1e12

    with torch.device("meta"), torch.inference_mode():
        model = SDM(config)
        label = torch.zeros(1, 256, 256, dtype=torch.int64)
        about = Condition(label, None, 151, torch.ones(1, dtype=torch.bool))
        x, t = torch.zeros(1, 3, 256, 256), torch.zeros(1, dtype=torch.int64)
        assert tflop(model.plain(about, guided=True), x, t) == pytest.approx(7.27, abs=0.005)
        cached = model.cached(about, guided=True, cache="full")
        assert tflop(cached, x, t) < 5
        assert tflop(cached, x, t) < 3.8
