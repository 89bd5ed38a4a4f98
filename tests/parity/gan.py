"""Parity of the GAN baselines with their reference implementations."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition
from sdm_bench.models.patchgan import MultiscaleDiscriminator
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator
from sdm_bench.training import gan_losses
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import Batch
from tests.parity.cases import Case, NotSupportedError, fill, keys_and_shapes


def spade_generator(case: Case) -> dict[str, Any]:
    """SPADE's generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    about = case.arguments
    if about["use_vae"]:
        raise NotSupportedError("the VAE variant of SPADE")
    config = _config(about)
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
        out["image"] = model(_semantics(case, config.num_classes, config.edges))
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
    edges = not about["no_instance"]
    semantics = _semantics(case, about["semantic_nc"] - edges, edges)
    with torch.no_grad():
        outputs = model(torch.cat([semantics, case.tensor("image")], 1))
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


def spade_step(case: Case) -> dict[str, Any]:
    """All losses of one step without the perceptual term, networks in evaluation mode."""
    about = case.arguments
    if about["use_vae"] or about["gan_mode"] != "hinge" or not about["no_vgg_loss"]:
        raise NotSupportedError("a SPADE step with VAE, another GAN loss or the perceptual loss")
    config = _config(about)
    generator = fill(SPADEGenerator(config), case.about["state_dict_netG"])
    discriminator = fill(
        MultiscaleDiscriminator(about["semantic_nc"], about["ndf"], about["n_layers_D"], about["num_D"]),
        case.about["state_dict_netD"],
    )
    weights = DiscriminatorPreset(lambda_feature=about["lambda_feat"])
    preset = TrainingPreset(recipe="spade", batch_size=2, learning_rate=1e-4)
    objective = AdversarialObjective(generator, discriminator, config.edges, preset, weights, None, seed=0)
    condition = _condition(case, config.num_classes, config.edges)
    batch = Batch(case.tensor("image_normal").tanh(), condition, torch.arange(len(condition)))
    with torch.no_grad():
        of_generator, of_discriminator = objective.generator_losses(batch), objective.discriminator_losses(batch)
        fake = generator(condition.semantics(config.edges))
    return {
        "G_GAN": of_generator["generator"],
        "G_GAN_Feat": of_generator["feature"],
        "D_Fake": of_discriminator["fake"],
        "D_real": of_discriminator["real"],
        "fake": fake,
    }


def spade_preprocess(case: Case) -> dict[str, Any]:
    """One-hot encoding with a don't-care channel, and the edge channel."""
    about = case.arguments
    raw, instances = case.tensor("raw_labels")[:, 0].long(), case.tensor("instances")[:, 0]
    classes = about["label_nc"] + about["contain_dontcare_label"]
    label = torch.where(raw == 255, about["label_nc"], raw)
    condition = Condition(label, instances, classes, torch.ones(len(label), dtype=torch.bool))
    return {"semantics": condition.semantics(edges=not about["no_instance"])}


def _filled(case: Case, build) -> nn.Module | None:  # type: ignore[no-untyped-def]
    with torch.device("cpu" if case.stored else "meta"):
        model = build()
    assert keys_and_shapes(model) == case.about["state_dict"], "state-dict keys or shapes differ"
    return fill(model, case.about["state_dict"]) if case.stored else None


def _keeper(out: dict[str, Any], name: str):  # type: ignore[no-untyped-def]
    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        out[name] = output

    return keep


def _config(about: dict) -> SPADEConfig:
    return SPADEConfig(
        num_classes=about["semantic_nc"] - (not about["no_instance"]),
        edges=not about["no_instance"],
        ngf=about["ngf"],
        upsampling=about["num_upsampling_layers"],
    )


def _semantics(case: Case, num_classes: int, edges: bool) -> Tensor:
    return _condition(case, num_classes, edges).semantics(edges)


def _condition(case: Case, num_classes: int, edges: bool) -> Condition:
    label = case.tensor("labels")
    instance = case.tensor("instances") if edges else None
    return Condition(label, instance, num_classes, torch.ones(len(label), dtype=torch.bool))


def _nested(case: Case, kind: str) -> list[list[Tensor]]:
    scales: dict[str, list[Tensor]] = {}
    for name in sorted(case.inputs):
        if name.startswith(kind):
            scales.setdefault(name[len(kind)], []).append(case.tensor(name))
    return list(scales.values())


def _spade(first_key: str) -> Callable[[Case], bool]:
    return lambda case: (
        case.about["source"].startswith("NVlabs/SPADE@")
        and bool(case.about["state_dict"])
        and case.about["state_dict"][0][0].startswith(first_key)
    )


def _spade_source(text: str) -> Callable[[Case], bool]:
    return lambda case: case.about["source"].startswith("NVlabs/SPADE@") and text in case.about["source"]


HANDLERS = [
    (_spade("fc."), spade_generator),
    (_spade("discriminator_"), spade_discriminator),
    (_spade_source("preprocess_input"), spade_preprocess),
    (_spade_source("VGGLoss"), vgg_loss),
    (_spade_source("compute_generator_loss"), spade_losses),
    (lambda case: _spade_source("pix2pix_model.py")(case) and "fake" in case.stored, spade_step),
]
