"""Parity of pix2pixHD: generators, feature encoder, discriminator, losses, one step."""

from typing import Any

import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import DiscriminatorOutput
from sdm_bench.models.pix2pixhd import (
    NORMS,
    FeatureEncoder,
    Pix2PixHDConfig,
    Pix2PixHDDiscriminator,
    Pix2PixHDGenerator,
)
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.training import adversarial_losses
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.adversarial_losses import DiscriminatorInput, PatchAdversarialLoss
from sdm_bench.training.batches import Batch
from tests.parity.cases import Case, fill
from tests.parity.gan.common import Handler, built, condition_of, grouped, kept, numbered, of
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "NVIDIA/pix2pixHD"
MODES = {"lsgan": "ls", "vanilla": "bce"}


def network(case: Case) -> dict[str, Any]:
    """What define_G makes: a global generator, a local enhancer or an encoder."""
    return encoder(case) if case.arguments["netG"] == "encoder" else generator(case)


def generator_fields(about: dict) -> dict[str, Any]:
    """The fields of our configuration that the official options of the generator name."""
    return {
        "ngf": about["ngf"],
        "downsamplings": about["n_downsample_global"],
        "blocks": about["n_blocks_global"],
        "enhancers": about.get("n_local_enhancers", 1) if about["netG"] == "local" else 0,
        "local_blocks": about.get("n_blocks_local", 3),
        "norm": about["norm"],
    }


def alone(config: Pix2PixHDConfig) -> Pix2PixHDGenerator:
    """A generator whose state dict is that of the authors' generator alone."""
    model = Pix2PixHDGenerator(config)
    if config.features:
        del model.encoder
    return model


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    about = case.arguments
    if about["output_nc"] != 3:
        raise NotSupportedError("channels")
    edges = "instances" in case.inputs
    features = case.tensor("features").shape[1] if "features" in case.inputs else 0
    classes = about["input_nc"] - edges - features
    config = Pix2PixHDConfig(num_classes=classes, edges=edges, features=features, **generator_fields(about))
    model = built(case, lambda: alone(config))
    if model is None:
        return {}
    assert isinstance(model, Pix2PixHDGenerator)
    out = kept(model, case.stored)
    channels = condition_of(case, config).semantics(edges)
    if features:
        channels = torch.cat([channels, case.tensor("features")], dim=1)
    with torch.no_grad():
        out["image"] = model.picture(channels)
    return out


def encoder(case: Case) -> dict[str, Any]:
    """The feature encoder: keys and shapes, and the features."""
    about = case.arguments
    if about["input_nc"] != 3:
        raise NotSupportedError("channels")
    sizes = (about["output_nc"], about["ngf"], about["n_downsample_global"])
    model = built(case, lambda: FeatureEncoder(*sizes, NORMS[about["norm"]]))
    if model is None:
        return {}
    out = kept(model, case.stored)
    with torch.no_grad():
        out["features"] = model(case.tensor("image"), case.tensor("instances"))
    return out


def weights(about: dict, matched: bool) -> DiscriminatorPreset:
    """Our preset for the official options."""
    layers = about["n_layers_D"]
    return DiscriminatorPreset(
        kind="pix2pixhd",
        ndf=about.get("ndf", 64),
        layers=layers,
        scales=about["num_D"],
        gan_loss="bce" if about.get("no_lsgan") else "ls",
        scales_are_summed=True,
        discriminator_share=0.5,
        lambda_feature=about.get("lambda_feat", 10.0) * 4 / (layers + 1) if matched else 0.0,
    )


def discriminator(case: Case) -> dict[str, Any]:
    """The multi-scale discriminator: keys and shapes, and every layer's output."""
    about = case.arguments
    edges = "instances" in case.inputs
    config = Pix2PixHDConfig(num_classes=about["input_nc"] - 3 - edges, edges=edges, norm=about["norm"])
    model = built(case, lambda: Pix2PixHDDiscriminator(config, weights(about, about["getIntermFeat"])))
    if model is None:
        return {}
    with torch.no_grad():
        output = model(condition_of(case, config).semantics(edges), case.tensor("image"))
    # Our scores are logits; the authors' sigmoid is applied in the form without features alone.
    squash = torch.sigmoid if about["use_sigmoid"] and not about["getIntermFeat"] else nn.Identity()
    scales = [[*layers, squash(score)] for layers, score in zip(output.features, output.scores, strict=True)]
    return {f"scale{s}_layer{i}": layer for s, scale in enumerate(scales) for i, layer in enumerate(scale)}


def losses(case: Case) -> dict[str, Any]:
    """Both kinds of adversarial loss with gradients, and the terms of both sides from literal discriminator outputs."""
    out: dict[str, Any] = {}
    scores = [score.requires_grad_() for score in numbered(case, "pred")]
    for name in [name for name in case.stored if name.split("_")[0] in MODES]:
        mode, target = name.split("_")
        loss = adversarial_losses.gan_losses(MODES[mode], scores, target == "real").sum()
        out[name] = loss
        out[f"grad_{name}"] = torch.cat([g.flatten() for g in torch.autograd.grad(loss, scores)])
    fake, real = (grouped(case, kind) for kind in ("fake", "real"))
    both = [[torch.cat(layers) for layers in zip(a, b, strict=True)] for a, b in zip(fake, real, strict=True)]
    adversarial_loss = PatchAdversarialLoss(weights(case.arguments, matched=True))
    literal = Literal(DiscriminatorOutput([scale[-1] for scale in both], [scale[:-1] for scale in both]))
    nothing = torch.zeros(len(fake[0][0]), 1, 1, 1)
    label = torch.zeros(len(nothing), 1, 1, dtype=torch.long)
    shown = DiscriminatorInput(Condition(label, None, 1, torch.ones(len(nothing)) > 0), nothing, nothing, nothing)
    of_generator = adversarial_loss.generator_losses(literal, shown)
    of_discriminator = adversarial_loss.discriminator_losses(literal, shown, [])
    return out | named(of_generator, of_discriminator, adversarial_loss.weights)


class Literal(nn.Module):
    """A discriminator with one answer, fake pictures first."""

    def __init__(self, answer: DiscriminatorOutput):
        super().__init__()
        self.answer = answer

    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        return self.answer


def named(of_generator: dict, of_discriminator: dict, preset: DiscriminatorPreset) -> dict[str, Tensor]:
    """Our terms by their official names; the authors name the discriminator's before it is halved."""
    whole = {name: loss / preset.discriminator_share for name, loss in of_discriminator.items()}
    terms = {"G_GAN": of_generator["generator"], "D_real": whole["real"], "D_fake": whole["fake"]}
    if "feature" in of_generator:
        terms["G_GAN_Feat"] = of_generator["feature"]
    return terms | {"loss_D": of_discriminator["real"] + of_discriminator["fake"]}


def step(case: Case) -> dict[str, Any]:
    """All losses of one step without the perceptual term, networks in evaluation mode."""
    about = case.arguments
    if about.get("pool_size") or not about["label_nc"] or about.get("load_features"):
        raise NotSupportedError("pix2pixHD inputs")
    encoded = about.get("instance_feat") or about.get("label_feat")
    config = Pix2PixHDConfig(
        num_classes=about["label_nc"],
        edges=not about["no_instance"],
        features=about["feat_num"] if encoded else 0,
        nef=about["nef"],
        feature_downsamplings=about["n_downsample_E"],
        **generator_fields(about),
    )
    network = alone(config)
    fill(network, case.about["state_dict_netG"])
    if config.features:
        norm = NORMS[config.norm]
        network.encoder = FeatureEncoder(config.features, config.nef, config.feature_downsamplings, norm)
        fill(network.encoder, case.about["state_dict_netE"])
    preset = weights(about, not about.get("no_ganFeat_loss"))
    adversary = Pix2PixHDDiscriminator(config, preset)
    fill(adversary, case.about["state_dict_netD"])
    training = TrainingPreset(recipe="spade", batch_size=1, learning_rate=2e-4)
    objective = AdversarialObjective(network, adversary, training, preset, None)
    condition = condition_of(case, config)
    if about.get("label_feat"):
        condition = Condition(condition.label, condition.label.int(), config.num_classes, condition.keep)
    image = case.tensor("image_normal").tanh() if "image_normal" in case.inputs else case.tensor("image")
    batch = Batch(image, condition, [])
    with torch.no_grad():
        terms = named(objective.generator_losses(batch, []), objective.discriminator_losses(batch, []), preset)
        styled = Condition(condition.label, condition.instance, config.num_classes, condition.keep, image)
        return terms | {"fake": network(styled).picture}


HANDLERS: list[Handler] = [
    (of(REPOSITORY, "GANLoss"), losses),
    (lambda case: of(REPOSITORY, "pix2pixHD_model.py")(case) and "fake" in case.stored, step),
    (lambda case: of(REPOSITORY)(case) and "num_D" in case.arguments, discriminator),
    (lambda case: of(REPOSITORY)(case) and "netG" in case.arguments, network),
]
