"""Vision transformers: tiny random ones against the definitions of others, and what is fed to them."""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as F
from torchvision import transforms

from sdm_bench.base.errors import UserError
from sdm_bench.base.sections import parsed
from sdm_bench.metrics import vit
from sdm_bench.metrics.features import extract
from sdm_bench.metrics.images import folder_source
from sdm_bench.metrics.vit import ViT, readings, resized_positions, vit_extractor
from sdm_bench.weights.registry import registry

LAYERS, HEADS = 2, 2
TINY = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
# openai/CLIP has 64 channels a head, and four times the width in between.
NARROW = {
    "Dinov2Model": {"hidden_size": 16},
    "CLIPVisionModelWithProjection": {"hidden_size": 128, "projection_dim": 6},
}

needs_library = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers (extra `vit`) is absent")


def tiny(monkeypatch: pytest.MonkeyPatch, name: str) -> ViT:
    """The reading `name` with a network of two narrow layers."""
    about = readings()[name]
    settings = about.settings | TINY | NARROW[about.classes[0]]
    if "intermediate_size" in settings:
        settings["intermediate_size"] = 4 * settings["hidden_size"]
    made = about.model_copy(update={"settings": settings})
    changed = {**readings(), name: made}
    monkeypatch.setattr(vit, "readings", lambda: changed)
    return made


def published_names(name: str) -> str:
    """The name in published files of what the library calls `name`."""
    for theirs, ours in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value")):
        name = name.replace(f"attention.{theirs}", f"attention.attention.{ours}")
    return name.replace("attention.o_proj", "attention.output.dense")


def network_of(about: ViT) -> Any:
    library = importlib.import_module("transformers")
    model, config = (getattr(library, each) for each in about.classes)
    return model(config(**about.settings))


def drawn(about: ViT) -> dict[str, Tensor]:
    """Random tensors under the names of published files, exact in half precision, as CLIP's published ones are."""
    generator = torch.Generator().manual_seed(0)
    return {
        published_names(name) if about.classes[0] == "Dinov2Model" else name: (
            0.2 * torch.randn(value.shape, generator=generator) + (name.endswith("norm.weight"))
        )
        .half()
        .float()
        for name, value in network_of(about).state_dict().items()
    }


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def cubic(position: np.ndarray, count: int) -> np.ndarray:
    """Weights (len(position), count) of Keys' cubic with a = -3/4, the border repeated."""
    weights = np.zeros((len(position), count))
    for row, at in enumerate(position):
        for near in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            x = abs(at - near)
            inner = 1.25 * x**3 - 2.25 * x**2 + 1
            outer = -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)
            weights[row, min(max(near, 0), count - 1)] += inner if x <= 1 else outer
    return weights


def test_positions_are_resized_a_tenth_of_a_patch_too_large() -> None:
    learnt = torch.randn(1, 1 + 37**2, 3, generator=torch.Generator().manual_seed(0))
    weights = cubic((np.arange(16) + 0.5) * 37 / 16.1 - 0.5, 37)
    expected = np.einsum("ij,kl,jlc->ikc", weights, weights, learnt[0, 1:].reshape(37, 37, 3).numpy())
    found = resized_positions(learnt, 16)
    assert torch.equal(found[:, 0], learnt[:, 0])
    np.testing.assert_allclose(found[0, 1:].numpy(), expected.reshape(256, 3), atol=2e-5)
    without = F.interpolate(learnt[:, 1:].reshape(1, 37, 37, 3).permute(0, 3, 1, 2), size=(16, 16), mode="bicubic")
    assert (without.flatten(2).transpose(1, 2) - found[:, 1:]).abs().max() > 0.1


def dinov2_class_token(tensors: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network written down from facebookresearch/dinov2: pre-norm blocks, scaled branches, the class token."""

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-6)

    patches = "embeddings.patch_embeddings.projection"
    x = F.conv2d(x, tensors[f"{patches}.weight"], tensors[f"{patches}.bias"], stride=14).flatten(2).transpose(1, 2)
    x = torch.cat([tensors["embeddings.cls_token"].expand(len(x), -1, -1), x], 1)
    x = x + resized_positions(tensors["embeddings.position_embeddings"], 16)
    for k in range(LAYERS):
        layer, y = f"encoder.layer.{k}", norm(f"encoder.layer.{k}.norm1", x)
        q, key, v = (
            linear(f"{layer}.attention.attention.{each}", y).unflatten(2, (HEADS, -1)).transpose(1, 2)
            for each in ("query", "key", "value")
        )
        attention = (q @ key.transpose(2, 3) / q.shape[3] ** 0.5).softmax(3) @ v
        attention = linear(f"{layer}.attention.output.dense", attention.transpose(1, 2).flatten(2))
        x = x + tensors[f"{layer}.layer_scale1.lambda1"] * attention
        hidden = F.gelu(linear(f"{layer}.mlp.fc1", norm(f"{layer}.norm2", x)))
        x = x + tensors[f"{layer}.layer_scale2.lambda1"] * linear(f"{layer}.mlp.fc2", hidden)
    return norm("layernorm", x)[:, 0]


@needs_library
def test_dinov2_gives_the_class_token_of_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    about = tiny(monkeypatch, "dinov2-vit-l-14")
    tensors = drawn(about)
    given = vit_extractor("dinov2-vit-l-14", tensors, "cpu")
    inputs = torch.stack([given.resize(picture(250, 500, seed)) for seed in (0, 1)])
    with torch.no_grad():
        expected = dinov2_class_token(tensors, inputs)
        torch.testing.assert_close(given.module(inputs), expected, rtol=1e-4, atol=1e-5)
    assert (expected[0] - expected[1]).abs().max() > 1e-2


def openai_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of openai/CLIP's visual tower; its text tower is one tensor that says how long embeddings are."""
    part = "vision_model"
    named = {
        "visual.class_embedding": tensors[f"{part}.embeddings.class_embedding"],
        "visual.positional_embedding": tensors[f"{part}.embeddings.position_embedding.weight"],
        "visual.conv1.weight": tensors[f"{part}.embeddings.patch_embedding.weight"],
        "visual.proj": tensors["visual_projection.weight"].T,
        "text_projection": torch.zeros(3, len(tensors["visual_projection.weight"])),
    }
    for kind in ("weight", "bias"):
        named |= {f"visual.ln_pre.{kind}": tensors[f"{part}.pre_layrnorm.{kind}"]}
        named |= {f"visual.ln_post.{kind}": tensors[f"{part}.post_layernorm.{kind}"]}
        for k in range(LAYERS):
            ours, theirs = f"{part}.encoder.layers.{k}", f"visual.transformer.resblocks.{k}"
            parts = [tensors[f"{ours}.self_attn.{each}_proj.{kind}"] for each in "qkv"]
            named |= {f"{theirs}.attn.in_proj_{kind}": torch.cat(parts)}
            named |= {f"{theirs}.attn.out_proj.{kind}": tensors[f"{ours}.self_attn.out_proj.{kind}"]}
            named |= {f"{theirs}.ln_{n}.{kind}": tensors[f"{ours}.layer_norm{n}.{kind}"] for n in (1, 2)}
            named |= {f"{theirs}.mlp.c_fc.{kind}": tensors[f"{ours}.mlp.fc1.{kind}"]}
            named |= {f"{theirs}.mlp.c_proj.{kind}": tensors[f"{ours}.mlp.fc2.{kind}"]}
    return named


@needs_library
def test_clip_gives_the_embedding_of_openai_s_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch-fidelity carries a copy of openai/CLIP's network."""
    from torch_fidelity.feature_extractor_clip import build_model

    name = "clip-vit-b-32"
    tensors = drawn(tiny(monkeypatch, name))
    towers = {"text_model.embeddings.token_embedding.weight": torch.ones(2, 2), "logit_scale": torch.ones(())}
    given = vit_extractor(name, tensors | towers, "cpu")
    inputs = torch.stack([given.resize(picture(400, 350, seed)) for seed in (0, 1)])
    with torch.no_grad():
        expected = build_model(openai_names(tensors), torch.float32).visual(inputs)
        found = given.module(inputs)
    assert found.shape == (2, 6)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (expected[0] - expected[1]).abs().max() > 1e-2 * expected.abs().max()


@needs_library
def test_features_of_a_folder_and_a_digest_of_what_decides_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "dinov2-vit-l-14"
    tensors = drawn(tiny(monkeypatch, name))
    before = torch.random.get_rng_state()
    given = vit_extractor(name, tensors, "cpu")
    assert torch.equal(before, torch.random.get_rng_state()), "loading draws random numbers"
    assert capfd.readouterr() == ("", "")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for k in range(3):
        Image.fromarray(picture(64, 96, k)).save(pictures / f"{k}.png")
    assert extract(folder_source(pictures), given).shape == (3, 16)
    digests = [given.weights_sha256]
    for change in ("embeddings.mask_token", "layernorm.bias"):
        changed = tensors | {change: tensors[change] + 1}
        digests.append(vit_extractor(name, changed, "cpu").weights_sha256)
    assert digests[0] == digests[1] != digests[2]


@needs_library
def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "clip-vit-b-32"
    tensors = drawn(tiny(monkeypatch, name))
    for change, message in (
        ({"visual_projection.weight": None}, "1 missing: visual_projection.weight"),
        ({"more": torch.ones(1)}, "1 unexpected: more"),
        ({"visual_projection.weight": torch.ones(2, 2)}, r"another shape: visual_projection.weight \(file \(2, 2\)"),
    ):
        kept = {key: value for key, value in (tensors | change).items() if value is not None}
        with pytest.raises(UserError, match=rf"{name}: these are not the weights of CLIP(?s:.*){message}"):
            vit_extractor(name, kept, "cpu")


@needs_library
@pytest.mark.parametrize("name", readings())
def test_the_published_networks_have_the_dimensions_stated(name: str) -> None:
    """And the registry asks of their files what the library builds."""
    with torch.device("meta"):
        tensors = {
            published_names(key): tuple(value.shape) for key, value in network_of(readings()[name]).state_dict().items()
        }
    last = "layernorm.weight" if name.startswith("dinov2") else "visual_projection.weight"
    assert tensors[last][0] == readings()[name].dimensions
    holds = {key: shape for key, shape in registry()[name].holds.items() if not key.startswith(readings()[name].unused)}
    assert holds == {key: tensors[key] for key in holds}
    assert len(holds) >= 2


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"need the library `transformers` .* pip install 'sdm-bench\[vit\]'"):
        vit_extractor("dinov2-vit-l-14", {"a": torch.ones(1)}, "cpu")


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'clip-vit-b-32'"):
        vit_extractor("clip-vit-b-33", {})


def test_the_published_readings_are_whole_and_cannot_be_changed() -> None:
    """The mode by which features are kept names how pictures are resized, and to which side."""
    assert {name: about.resizing().name for name, about in readings().items()} == {
        "dinov2-vit-l-14": "pillow_8bit-224",
        "clip-vit-b-32": "short_side_cropped-224",
        "clip-vit-l-14-336": "middle_square-336",
        "clip-vit-b-16": "short_side_floor_cropped-224",
    }
    fields = readings()["clip-vit-b-32"].model_dump()
    with pytest.raises(UserError, match=r"vit\.yaml: other: sise: Extra inputs are not permitted"):
        parsed(ViT, fields | {"sise": 224}, "vit.yaml: other")
    with pytest.raises(ValidationError, match="frozen"):
        readings()["clip-vit-b-32"].side = 256


CLIP_MEAN, CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SIZES = [(256, 256), (256, 512), (401, 300), (100, 170)]


@pytest.mark.parametrize("size", SIZES)
def test_dinov2_is_fed_as_by_dgm_eval(size: tuple[int, int]) -> None:
    """torchvision's bicubic resize of the picture to a square, ToTensor, ImageNet's mean and deviation."""
    theirs = transforms.Compose(
        [
            transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    found = readings()["dinov2-vit-l-14"].resizing()(picture(*size))
    torch.testing.assert_close(found, theirs(Image.fromarray(picture(*size))), rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
def test_clip_is_fed_as_by_clean_fid(size: tuple[int, int]) -> None:
    """The short side bicubic to 224, the middle of that, in 8 bits; then /255 and CLIP's mean and deviation."""
    theirs = transforms.Compose(
        [
            transforms.Resize(224, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(CLIP_MEAN, CLIP_DEVIATION),
        ]
    )
    found = readings()["clip-vit-b-32"].resizing()(picture(*size))
    torch.testing.assert_close(found, theirs(Image.fromarray(picture(*size))), rtol=0, atol=2e-6)
