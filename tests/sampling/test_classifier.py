"""Guidance by a segmenter: its gradient in closed form, what is recorded of it, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import NotFinite
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import IGNORED, ClassTable
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.diffusion.gaussian_diffusion import make_schedule
from sdm_bench.diffusion.solvers import Solver
from sdm_bench.models.sdm import SDM
from sdm_bench.sampling.chosen import refuse_idle_options
from sdm_bench.sampling.classifier import GuidingSegmenter
from sdm_bench.sampling.cost import read_cost
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import DiffusionSynthesizer, SamplingOptions, Speed, sample_generator
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import run_training
from sdm_bench.training.segmenters import resolve, run_segmenter_training
from segmenters.noisy import noisy_unet
from tests.conftest import tiny_options
from tests.models.conditions import condition as random_condition
from tests.models.test_unet import CONFIG, randomised

SCHEDULE = make_schedule("linear", 100)
LOOP = LoopOptions(steps=1, save_every=1, device="cpu")


class Linear(nn.Module):
    """Scores that are linear in a pixel's colour, and fall with the timestep."""

    def __init__(self, classes: int = 3):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        return torch.einsum("cd,ndhw->nchw", self.weight, x) / (1 + timesteps[:, None, None, None])


def guiding(network: nn.Module, classes: int = 3) -> GuidingSegmenter:
    ids = torch.arange(classes)
    return GuidingSegmenter(network.eval().requires_grad_(False), ids, "tests", "0" * 64)


def test_the_gradient_of_a_linear_classifier() -> None:
    """Of a pixel of class c it is the weights of c less their mean under p; ignored pixels have none."""
    network, generator = Linear(), torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 4, 5, generator=generator)
    truth = torch.randint(3, (2, 4, 5), generator=generator)
    truth[0, 0] = IGNORED
    found = guiding(network).gradient(x, torch.full((1,), 4.0), truth)
    weight = network.weight.detach() / 5
    probabilities = torch.einsum("cd,ndhw->nchw", weight, x).softmax(1)
    expected = weight[truth.clamp(max=2)].permute(0, 3, 1, 2) - torch.einsum("cd,nchw->ndhw", weight, probabilities)
    expected[0, :, 0] = 0
    torch.testing.assert_close(found, expected)
    alone = guiding(network).gradient(x[1:], torch.full((1,), 4.0), truth[1:])
    torch.testing.assert_close(alone, found[1:])


def test_a_picture_follows_its_own_generator_and_label_map_alone() -> None:
    network = randomised(SDM(CONFIG))
    # batch norm in evaluation mode knows nothing of the other samples
    torch.manual_seed(0)
    segmenter = guiding(noisy_unet(CONFIG.num_classes, feature_scale=16), CONFIG.num_classes)
    both = random_condition(2, CONFIG.num_classes, 16, 16)

    def made(condition: Condition, seeds: list[int], scale: float, path: str) -> Tensor:
        synthesizer = DiffusionSynthesizer(
            network, SCHEDULE, Solver("ddpm", 3), scale, CONFIG.edges, speed=Speed(path=path), segmenter=segmenter
        )
        return synthesizer.synthesize(condition, [sample_generator("a", seed) for seed in seeds])

    # the rounding of the gradient is multiplied by s as well: 2.3e-5 measured between kernels
    rounding = {"atol": 1e-4, "rtol": 0}
    together = made(both, [0, 1], 20.0, "fast")
    second = Condition(both.label[[1, 0]], both.instance, both.num_classes, both.keep)
    alone = made(second, [1, 2], 20.0, "fast")
    torch.testing.assert_close(together[1], alone[0], **rounding)
    torch.testing.assert_close(together, made(both, [0, 1], 20.0, "plain"), **rounding)
    assert not torch.allclose(together, made(both, [0, 1], 1e-9, "fast"), atol=1e-3)


def test_a_gradient_that_is_none_stops_it() -> None:
    network = Linear()
    network.weight.data[0, 0] = torch.nan
    label = torch.ones(1, 4, 4, dtype=torch.int64)
    condition = Condition(label, None, 3, torch.ones(1, dtype=torch.bool))
    with pytest.raises(NotFinite, match="tests: NaN or Inf in its gradient at timestep 99"):
        guiding(network).pull(condition, SCHEDULE, 1.0)(torch.zeros(1, 3, 4, 4), torch.tensor([99]))


@pytest.fixture(scope="module")
def trained(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a diffusion model `sdm` and segmenters `noisy`, `linear` (of another schedule) and `clean`."""
    folder = tmp_path_factory.mktemp("guided")
    run_training(tiny_options("sdm", toy_cityscapes), LOOP, folder / "sdm")
    for name, chosen in (
        ("noisy", {"noisy": True}),
        ("linear", {"noisy": True, "process": {"schedule": "linear"}}),
        ("clean", {}),
    ):
        options = resolve("unet", "cityscapes", toy_cityscapes, "toy", overrides={"batch_size": 4}, **chosen)  # type: ignore[arg-type]
        options = options.model_copy(update={"network": {"num_classes": 19, "feature_scale": 16}})
        run_segmenter_training(options, LOOP, folder / name)
    return folder


def sampled(trained: Path, out: Path, **chosen: Any) -> SampleFolder:
    sampling = SamplingOptions(**{"solver": "ddpm", "solver_steps": 2, "guidance_by": "segmenter", **chosen})
    weights, where = WeightsSpec(trained / "sdm"), DatasetSplit()
    generate_samples(weights, where, out, [0], sampling=sampling, command="", batch_size=2, device="cpu")
    return SampleFolder(out)


def test_a_run_says_what_guided_it_and_what_that_cost(trained: Path, tmp_path: Path) -> None:
    noisy = str(trained / "noisy")
    made = sampled(trained, tmp_path / "by", guidance=1.0, segmenter=noisy)
    options = made.options()
    assert (options.guidance, options.guidance_by, options.segmenter) == (1.0, "segmenter", noisy)
    assert len(options.segmenter_sha256 or "") == 64
    assert options.variant_title == "guided by a segmenter"
    assert options.training_note == ""
    plain = sampled(trained, tmp_path / "off", guidance=1.0, guidance_by="null-label")
    stored = json.loads((tmp_path / "off" / "run.json").read_text())["options"]
    assert not {"guidance_by", "segmenter", "segmenter_sha256"} & stored.keys(), "as before there was a choice"
    costs = read_cost(made.folder), read_cost(plain.folder)
    assert [(each.evaluations, each.segmenter_evaluations) for each in costs] == [(2, 2), (2, None)]
    assert (costs[0].flop or 0) > (costs[1].flop or 0)
    with pytest.raises(UserError, match=r"guidance_by: 'segmenter' there, None asked for"):
        sampled(trained, made.folder, guidance=1.0, guidance_by="null-label")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"guidance": 1.0}, "--guidance-by segmenter: by which"),
        ({"segmenter": "noisy"}, "--guidance: expected s above 0"),
        ({"segmenter": "noisy", "guidance": 0.0}, "--guidance 0: expected s above 0"),
        ({"segmenter": "noisy", "guidance": 1.0, "solver": "unipc"}, "defined for ddpm and ddim"),
        ({"segmenter": "noisy", "guidance": 1.0, "guidance_by": None}, "guides nothing; give --guidance-by segmenter"),
        ({"segmenter": "clean", "guidance": 1.0}, "clean: holds no segmenter of noisy pictures"),
        ({"segmenter": "sdm", "guidance": 1.0}, "sdm: holds no segmenter of noisy pictures"),
        ({"segmenter": "linear", "guidance": 1.0}, "linear schedule in 1000 steps; expected cosine in 1000"),
        ({"segmenter": "nowhere", "guidance": 1.0}, "neither a run of `segment train --noisy`"),
    ],
)
def test_what_does_not_go_together_is_refused(
    chosen: dict[str, Any], message: str, trained: Path, tmp_path: Path
) -> None:
    if "segmenter" in chosen:
        chosen = chosen | {"segmenter": str(trained / chosen["segmenter"])}
    with pytest.raises(UserError, match=message):
        sampled(trained, tmp_path / "out", **chosen)
    assert not (tmp_path / "out").exists()


def test_gans_take_no_guidance() -> None:
    asked = SamplingOptions(guidance_by="segmenter", segmenter="x")
    with pytest.raises(UserError, match="--guidance-by, --segmenter: spade is a GAN"):
        refuse_idle_options("spade", asked, Speed())


def test_a_segmenter_of_noisy_pictures_measures_nothing(trained: Path) -> None:
    classes = ClassTable.shipped("cityscapes")
    with pytest.raises(UserError, match="sees noisy pictures, to guide `generate`"):
        load_segmenter(str(trained / "noisy"), "cityscapes", classes, torch.device("cpu"))


def test_a_segmenter_of_other_pictures_guides_nothing(trained: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    options = resolve("unet", "cityscapes", toy_cityscapes, "toy", 16, overrides={"batch_size": 4}, noisy=True)
    options = options.model_copy(update={"network": {"num_classes": 19, "feature_scale": 16}})
    run_segmenter_training(options, LOOP, tmp_path / "small")
    with pytest.raises(UserError, match="trained on pictures of 32x16 pixels; expected 64x32"):
        sampled(trained, tmp_path / "out", guidance=1.0, segmenter=str(tmp_path / "small"))
    with pytest.raises(UserError, match="--noise-schedule: of noisy pictures"):
        resolve("unet", "cityscapes", toy_cityscapes, "toy", process={"schedule": "linear"})
