"""The perceptual loss: which network it is by, where its features are taken, what is refused."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import write_safetensors
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import SamplingOptions
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.perceptual import CUTS, choose_perceptual, features_of, load_perceptual
from sdm_bench.training.recipes import make_objective, train_method
from sdm_bench.weights.layouts import LPIPS_SLICES
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import MissingWeights, save

WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
GAN = DiscriminatorPreset()


def lpips_tensors() -> dict[str, torch.Tensor]:
    """Drawn tensors in the names of LPIPS with VGG-16."""
    torch.manual_seed(0)
    state = {name: torch.randn_like(value) * 0.05 for name, value in features_of("lpips-vgg").state_dict().items()}
    ends = LPIPS_SLICES["vgg"]
    slices = {name: 1 + sum(int(name.split(".")[0]) >= end for end in ends) for name in state}
    tensors = {f"net.slice{slices[name]}.{name}": value for name, value in state.items()}
    return tensors | {f"lin{k}.model.1.weight": torch.ones(1, 2, 1, 1) for k in range(5)}


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds drawn weights of LPIPS with VGG-16, and no VGG19."""
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    return save(entry("lpips-vgg"), lpips_tensors(), "drawn", "0" * 64)


@pytest.mark.parametrize(
    ("network", "before"),
    [("vgg19", (1, 3, 5, 9, 13)), ("lpips-vgg", (2, 4, 7, 10, 13))],
)
def test_features_end_at_the_named_activations(network: str, before: tuple[int, ...]) -> None:
    layers = list(features_of(network))
    for end, convolutions in zip(CUTS[network], before, strict=True):
        assert isinstance(layers[end - 1], nn.ReLU)
        assert sum(isinstance(layer, nn.Conv2d) for layer in layers[:end]) == convolutions


def test_the_substitute_is_lpips_backbone_with_the_published_weights(cached: Path) -> None:
    loss = load_perceptual("lpips-vgg", cached, WEIGHTS)
    fake, real = torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    tensors = lpips_tensors()
    x = torch.stack([fake, real]).flatten(0, 1)
    expected = torch.zeros(())
    for number, indices in enumerate(((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))):
        x = torch.nn.functional.max_pool2d(x, 2) if number else x
        for index in indices:
            weight, bias = (tensors[f"net.slice{number + 1}.{index}.{kind}"] for kind in ("weight", "bias"))
            x = torch.nn.functional.conv2d(x, weight, bias, padding=1).relu()
        expected = expected + WEIGHTS[number] * (x[:2] - x[2:]).abs().mean()
    torch.testing.assert_close(loss(fake, real), expected)
    fake.requires_grad_(True)
    real.requires_grad_(True)
    loss(fake, real).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert real.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_a_run_with_the_substitute_says_so_and_trains_with_it(
    toy_cityscapes: Path, tmp_path: Path, cached: Path
) -> None:
    loop = LoopOptions(steps=1, save_every=1, log_every=1, device="cpu")
    options = {"overrides": {"batch_size": 2}, "image_size": 32}
    train_method(
        "spade", "cityscapes", toy_cityscapes, "toy", loop, tmp_path / "run", perceptual="lpips-vgg", **options
    )
    run = TrainingRun(tmp_path / "run")
    assert run.options().perceptual == str(cached)
    assert run.options().perceptual_network == "lpips-vgg"
    assert "perceptual" in (tmp_path / "run" / "stats.jsonl").read_text()
    generate_samples(
        WeightsSpec(run.folder), DatasetSplit(), tmp_path / "made", [0], SamplingOptions(), "", device="cpu"
    )
    assert SampleFolder(tmp_path / "made").options().training_note == "perceptual loss by lpips-vgg in place of vgg19"
    with pytest.raises(UserError, match="perceptual_network: 'lpips-vgg' there"):
        train_method("spade", "cityscapes", toy_cityscapes, "toy", loop, tmp_path / "run", perceptual="none", **options)


def test_without_it_a_run_reads_as_before(toy_cityscapes: Path, tmp_path: Path, cached: Path) -> None:
    loop = LoopOptions(steps=1, save_every=1, device="cpu")
    train_method(
        "spade",
        "cityscapes",
        toy_cityscapes,
        "toy",
        loop,
        tmp_path / "run",
        perceptual="none",
        overrides={"batch_size": 2},
    )
    options = TrainingRun(tmp_path / "run").options()
    assert options.perceptual is None
    assert "perceptual_network" not in options.model_dump()
    assert make_objective(options).perceptual is None


def test_what_has_no_perceptual_loss_refuses_one(cached: Path) -> None:
    for method, adversary in (("sdm", None), ("oasis", DiscriminatorPreset(kind="unet", lambda_vgg=0))):
        with pytest.raises(UserError, match=f"{method} is trained without a perceptual loss"):
            choose_perceptual("none", method, adversary)
        assert choose_perceptual(None, method, adversary) == {}


def test_weights_asked_for_must_be_there(cached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MissingWeights, match="vgg19"):
        choose_perceptual("vgg19", "spade", GAN)
    assert choose_perceptual(None, "spade", GAN) == {}
    assert "--perceptual lpips-vgg trains with a substitute" in capsys.readouterr().err
    assert choose_perceptual("lpips-vgg", "spade", GAN) == {"perceptual": cached, "perceptual_network": "lpips-vgg"}
    write_safetensors(cached, {"net.slice1.0.weight": torch.zeros(64, 3, 3, 3)})
    with pytest.raises(UserError, match=r"lpips-vgg\.safetensors"):
        load_perceptual("lpips-vgg", cached, WEIGHTS)
