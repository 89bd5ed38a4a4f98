"""Parity of the GAN baselines with their reference implementations."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.conditioning import Condition
from sdm_bench.models.patchgan import MultiscaleDiscriminator
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator
from sdm_bench.training import gan_losses
from tests.parity.cases import Case, NotSupportedError, fill, keys_and_shapes

UNSUPPORTED_LOSSES = ("ls_", "grad_ls_", "original_", "grad_original_", "w_", "grad_w_", "kld", "KLD")


def spade_generator(case: Case) -> dict[str, Any]:
    """SPADE's generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    about = case.arguments
    if about["use_vae"]:
        raise NotSupportedError("the VAE variant of SPADE")
    config = SPADEConfig(
        num_classes=about["semantic_nc"] - (not about["no_instance"]),
        edges=not about["no_instance"],
        ngf=about["ngf"],
        upsampling=about["num_upsampling_layers"],
    )
    model = _filled(case, lambda: SPADEGenerator(config))
    if model is None:
        return {}
    training = case.about.get("mode") == "train"
    model.train(training)
    out: dict[str, Any] = {}
    for name in case.stored:
        if name.startswith("after_"):
            keep = _keeper(out, name)
            model.get_submodule(name.removeprefix("after_")).register_forward_hook(keep)
    with torch.no_grad():
        out["image"] = model(_semantics(case, config))
    buffers = model.state_dict()
    return out | {n: buffers[n.removeprefix("buffer:")] for n in case.stored if n.startswith("buffer:")}


def spade_discriminator(case: Case) -> dict[str, Any]:
    """The multi-scale discriminator: keys and shapes, and every layer's output."""
    about = case.arguments
    model = _filled(
        case,
        lambda: MultiscaleDiscriminator(about["semantic_nc"], about["ndf"], about["n_layers_D"], about["num_D"]),
    )
    if model is None:
        return {}
    with torch.no_grad():
        outputs = model(case.tensor("input"))
    return {f"scale{s}_layer{i}": layer for s, scale in enumerate(outputs) for i, layer in enumerate(scale)}


def spade_losses(case: Case) -> dict[str, Any]:
    """Hinge and feature-matching losses from literal discriminator outputs."""
    scores = [case.tensor(f"pred{s}").requires_grad_() for s in range(2)]
    outputs = [[score] for score in scores]
    losses = {
        "hinge_real_D": lambda: gan_losses.hinge_discriminator(outputs, real=True),
        "hinge_fake_D": lambda: gan_losses.hinge_discriminator(outputs, real=False),
        "hinge_real_G": lambda: gan_losses.hinge_generator(outputs),
    }
    out: dict[str, Any] = {}
    for name, loss in losses.items():
        out[name] = loss()
        out[f"grad_{name}"] = torch.cat([g.flatten() for g in torch.autograd.grad(loss(), scores)])
    fake, real = (_nested(case, kind) for kind in ("fake", "real"))
    matched = gan_losses.feature_matching(fake, real) * case.arguments["lambda_feat"]
    return out | {"G_GAN_Feat": matched, "feature_matching": matched}


def vgg_loss(case: Case) -> dict[str, Any]:
    """The perceptual loss with drawn VGG19 weights."""
    features = gan_losses.vgg19_features()
    fill(features, case.about["state_dict"])
    loss = gan_losses.VGGLoss(features)
    a, b = case.tensor("a_normal").tanh(), case.tensor("b_normal").tanh()
    with torch.no_grad():
        maps = loss.features(a)
        return {"loss": loss(a, b), "features": torch.stack([m.abs().mean() for m in maps]), "last": maps[-1]}


def _filled(case: Case, build) -> nn.Module | None:  # type: ignore[no-untyped-def]
    with torch.device("cpu" if case.stored else "meta"):
        model = build()
    assert keys_and_shapes(model) == case.about["state_dict"], "state-dict keys or shapes differ"
    return fill(model, case.about["state_dict"]) if case.stored else None


def _keeper(out: dict[str, Any], name: str):  # type: ignore[no-untyped-def]
    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        out[name] = output

    return keep


def _semantics(case: Case, config: SPADEConfig) -> Tensor:
    label = case.tensor("labels")
    instance = case.tensor("instances") if config.edges else None
    keep = torch.ones(len(label), dtype=torch.bool)
    return Condition(label, instance, config.num_classes, keep).semantics(config.edges)


def _nested(case: Case, kind: str) -> list[list[Tensor]]:
    scales: dict[str, list[Tensor]] = {}
    for name in sorted(case.inputs):
        if name.startswith(kind):
            scales.setdefault(name[len(kind)], []).append(case.tensor(name))
    return list(scales.values())
