"""Synthesizers and the generators of their samples."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition
from sdm_bench.diffusion.gaussian_diffusion import make_schedule
from sdm_bench.diffusion.solvers import Solver
from sdm_bench.models.sdm import SDM
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator
from sdm_bench.sampling.synthesizers import DiffusionSynthesizer, GANSynthesizer, Speed, sample_generator
from tests.models.conditions import condition as random_condition
from tests.models.test_unet import CONFIG, randomised


def condition(count: int) -> Condition:
    label = torch.ones(count, 4, 4, dtype=torch.int64)
    return Condition(label, None, 2, torch.ones(count, dtype=torch.bool))


class Counting(nn.Module):
    """Counts its calls and those that are guided."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.guided = 0, 0

    def cached(self, condition: Condition, guided: bool, cache: str, limit: int):  # type: ignore[no-untyped-def]
        def run(x: Tensor, timesteps: Tensor) -> Tensor:
            self.calls += 1
            self.guided += guided
            output = torch.cat([x, torch.zeros_like(x)], 1)
            return torch.cat([output, output]) if guided else output

        return run


def synthesize(network: nn.Module, guidance: float) -> Tensor:
    synthesizer = DiffusionSynthesizer(network, make_schedule("linear", 100), Solver("ddpm", 5), guidance, edges=False)
    return synthesizer.synthesize(condition(2), [sample_generator(name, 0) for name in ("a", "b")])


def test_guidance_up_to_one_needs_no_null_label() -> None:
    for guidance, guided in ((1.0, 0), (0.5, 0), (1.5, 5)):
        network = Counting()
        pictures = synthesize(network, guidance)
        assert (network.calls, network.guided) == (5, guided)
        assert pictures.shape == (2, 3, 4, 4)
        assert pictures.abs().max() <= 1


def test_a_generator_belongs_to_example_and_seed() -> None:
    keys = [("a", 0), ("a", 1), ("b", 0), ("0/a", 0)]
    draws = [float(torch.randn(1, generator=sample_generator(*key))) for key in keys]
    assert len(set(draws)) == 4
    assert draws[1] == float(torch.randn(1, generator=sample_generator("a", 1)))


def test_a_gan_is_a_function_of_the_condition() -> None:
    network = SPADEGenerator(SPADEConfig(num_classes=4, edges=False, ngf=2, widest=2, hidden=2))
    label_maps = random_condition(1, 4, 32, 32)
    first, second = (GANSynthesizer(network).synthesize(label_maps, [sample_generator("a", s)]) for s in (0, 1))
    assert torch.equal(first, second)


def test_the_noise_of_a_gan_is_the_samples_own() -> None:
    config = SPADEConfig(num_classes=4, edges=False, ngf=2, widest=2, hidden=2, vae=True, image_size=(32, 32))
    synthesizer = GANSynthesizer(SPADEGenerator(config))
    one, two = random_condition(2, 4, 32, 32), [sample_generator("a", 0), sample_generator("b", 0)]
    both = synthesizer.synthesize(one, two)
    swapped = synthesizer.synthesize(one, [sample_generator("b", 0), sample_generator("a", 0)])
    again = synthesizer.synthesize(one, [sample_generator("a", 0), sample_generator("a", 0)])
    assert torch.equal(both[0], again[0])
    assert not torch.equal(both[0], swapped[0])


def real_pictures(**options: Any) -> Tensor:
    """Two pictures of a small random SDM in three guided steps."""
    network = randomised(SDM(CONFIG))
    assert isinstance(network, SDM)
    options = {"solver": Solver("dpm-solver++", 3), "guidance": 1.5, "edges": True} | options
    synthesizer = DiffusionSynthesizer(network, make_schedule("linear", 100), **options)
    label = torch.randint(5, (2, 8, 16), generator=torch.Generator().manual_seed(0))
    about = Condition(label, label.int(), 5, torch.ones(2, dtype=torch.bool))
    return synthesizer.synthesize(about, [sample_generator(name, 0) for name in ("a", "b")])


@pytest.mark.parametrize("speed", [Speed(), Speed(spade_cache="off"), Speed(channels_last=True)])
def test_speed_changes_pictures_by_rounding_alone(speed: Speed) -> None:
    assert torch.allclose(real_pictures(speed=speed), real_pictures(speed=Speed(path="plain")), atol=1e-4)


def test_half_precision_changes_them_a_little() -> None:
    whole, half = real_pictures(), real_pictures(precision="bf16")
    assert not torch.equal(whole, half)
    assert float((whole - half).abs().mean()) < 0.05
