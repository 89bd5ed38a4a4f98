"""Adversarial training of every GAN baseline."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sdm_bench.checkpoints.runs import TrainOptions
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models import methods
from sdm_bench.sampling.synthesizers import GANSynthesizer, sample_generator
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import Batch, TrainingStream
from sdm_bench.training.recipes import make_accelerator, make_objective, resolve

GANS = [name for name, method in methods.METHODS.items() if method.kind == "gan"]
STYLED = {"spade": "toy-vae", "ccfpse": "toy-vae", "groupdnet": "toy", "inade": "toy"}


def options_of(method: str, data: Path, preset: str = "toy") -> TrainOptions:
    return resolve(method, "cityscapes", data, preset, overrides={"batch_size": 2})


def batch_of(options: TrainOptions, data: Path) -> Batch:
    return next(TrainingStream.of(open_dataset("cityscapes", data, "train"), options).batches(2, start=0))


def stepped(options: TrainOptions, batch: Batch) -> tuple[AdversarialObjective, dict[str, float]]:
    objective = make_objective(options)
    assert isinstance(objective, AdversarialObjective)
    objective.prepare(make_accelerator("cpu", "no"))
    return objective, objective.step([batch], progress=0.0)


@pytest.mark.parametrize("method", GANS)
def test_a_step_moves_both_networks_and_repeats_to_the_bit(method: str, toy_cityscapes: Path) -> None:
    options = options_of(method, toy_cityscapes)
    batch = batch_of(options, toy_cityscapes)
    before = {name: clones(module) for name, module in make_objective(options).modules.items()}
    objective, scalars = stepped(options, batch)
    assert {"generator", "fake", "real"} <= scalars.keys()
    assert all(torch.isfinite(torch.tensor(list(scalars.values()))))
    _, again = stepped(options, batch)
    assert scalars == again
    for name, module in objective.modules.items():
        moved = [key for key, value in module.named_parameters() if not torch.equal(value, before[name][key])]
        assert len(moved) > 0.5 * len(before[name]), name


def clones(module: torch.nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in module.named_parameters()}


@pytest.mark.parametrize("method", GANS)
def test_a_sample_depends_on_its_own_generator_alone(method: str, toy_cityscapes: Path) -> None:
    options = options_of(method, toy_cityscapes)
    # untrained spectral norms have not looked at their weights yet
    network = stepped(options, batch_of(options, toy_cityscapes))[0].modules["network"]
    synthesizer = GANSynthesizer(network)  # type: ignore[arg-type]
    transform = Transform("spade", (32, 64), keeps_aspect=True, training=False)
    examples = Resized(open_dataset("cityscapes", toy_cityscapes, "val"), transform)

    def sampled(numbers: str, *ids: str) -> Tensor:
        condition = Condition.of([examples[int(number)] for number in numbers], 35)
        return synthesizer.synthesize(condition, [sample_generator(each, 0) for each in ids])

    first, second = sampled("01", "a", "b"), sampled("01", "a", "c")
    assert torch.equal(first[0], sampled("02", "a", "b")[0])
    assert torch.equal(first[0], sampled("03", "a", "d")[0])
    torch.testing.assert_close(first[0], sampled("0234", "a", "b", "c", "d")[0], rtol=0, atol=1e-4)
    assert first.shape == (2, 3, 32, 64)
    assert first.abs().max() <= 1
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1]) is not network.config.stochastic  # type: ignore[union-attr]


@pytest.mark.parametrize(("method", "preset"), STYLED.items())
def test_networks_with_an_encoder_learn_its_posterior(method: str, preset: str, toy_cityscapes: Path) -> None:
    options = options_of(method, toy_cityscapes, preset)
    _, scalars = stepped(options, batch_of(options, toy_cityscapes))
    assert scalars["kl"] > 0


def test_recalibrated_statistics_are_those_of_the_pictures_it_makes(toy_cityscapes: Path) -> None:
    options = options_of("oasis", toy_cityscapes)
    batch = batch_of(options, toy_cityscapes)
    objective, _ = stepped(options, batch)
    (average,) = objective.averages.values()
    key = next(key for key in average.module.state_dict() if key.endswith("running_mean"))
    objective.recalibrate_batch_norm([batch])
    once = average.module.state_dict()[key].clone()
    objective.recalibrate_batch_norm([batch, batch])
    assert float(once.abs().max()) > 0
    assert torch.allclose(once, average.module.state_dict()[key], atol=1e-6)
