"""Parity of SPADE: generators, discriminator, encoder, losses, one step."""

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import torch
from torch import Tensor

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Gaussian, ImageEncoder
from sdm_bench.models.patchgan import MultiscaleDiscriminator
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator, VAEConfig
from sdm_bench.training import adversarial_losses
from sdm_bench.training import perceptual as perceptual_losses
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import Batch
from tests.parity.cases import Case, fill
from tests.parity.gan.common import Handler, built, condition_of, drawn_perceptual, grouped, kept, numbered, of
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "NVlabs/SPADE"
MODES = {"hinge": "hinge", "ls": "ls", "original": "bce", "w": "wasserstein"}


def common_fields(about: dict) -> dict[str, Any]:
    """The fields of our configurations that the options of SPADE and its descendants name."""
    width = about["crop_size"]
    return {
        "num_classes": about["semantic_nc"] - (not about["no_instance"]),
        "edges": not about["no_instance"],
        "ngf": about["ngf"],
        "upsampling": about.get("num_upsampling_layers", "normal"),
    } | (
        {"image_size": (round(width / about["aspect_ratio"]), width), "vae": True, "z_dim": about["z_dim"]}
        if about["use_vae"]
        else {}
    )


def network_fields(about: dict) -> dict[str, Any]:
    """As common_fields, with what the option norm_G, such as `spectralspadesyncbatch3x3`, names."""
    parsed = re.fullmatch(r"(spectral)?spade(syncbatch|batch|instance)(\d)x\d", about["norm_G"])
    if parsed is None:
        raise NotSupportedError("norm", about["norm_G"])
    return common_fields(about) | {
        "spectral": parsed[1] is not None,
        "free_norm": parsed[2].removeprefix("sync"),
        "kernel": int(parsed[3]),
    }


def discriminator_preset(about: dict) -> DiscriminatorPreset:
    """Our preset for the official options."""
    return DiscriminatorPreset(
        ndf=about["ndf"],
        layers=about["n_layers_D"],
        scales=about["num_D"],
        gan_loss=MODES[about.get("gan_mode", "hinge")],
        lambda_feature=0.0 if about.get("no_ganFeat_loss") else about.get("lambda_feat", 10.0),
        lambda_kl=about.get("lambda_kld", 0.05),
        lambda_vgg=about.get("lambda_vgg", 10.0),
    )


def without_encoder(config: VAEConfig, make: type) -> Any:
    """A generator whose state dict is that of the authors' generator alone."""
    network = make(config)
    if config.vae:
        del network.encoder
    return network


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture, inner outputs and buffers."""
    config = SPADEConfig(**network_fields(case.arguments))
    model = built(case, lambda: without_encoder(config, SPADEGenerator))
    if model is None:
        return {}
    out = kept(model, case.stored)
    latent = case.tensor("z") if config.vae else None
    with torch.no_grad():
        out["image"] = model(condition_of(case, config), latent).picture
    buffers = model.state_dict()
    return out | {n: buffers[n.removeprefix("buffer:")] for n in case.stored if n.startswith("buffer:")}


def discriminator(case: Case) -> dict[str, Any]:
    """The multi-scale discriminator: keys and shapes, and every layer's output."""
    about = case.arguments
    config = SPADEConfig(num_classes=about["semantic_nc"] - (not about["no_instance"]), edges=not about["no_instance"])
    model = built(case, lambda: MultiscaleDiscriminator(config, discriminator_preset(about)))
    if model is None:
        return {}
    with torch.no_grad():
        output = model(condition_of(case, config).semantics(config.edges), case.tensor("image"))
    scales = [[*layers, score] for layers, score in zip(output.features, output.scores, strict=True)]
    return {f"scale{s}_layer{i}": layer for s, scale in enumerate(scales) for i, layer in enumerate(scale)}


def encoder(case: Case) -> dict[str, Any]:
    """The image encoder: keys and shapes, and mean and log-variance."""
    about = case.arguments
    model = built(case, lambda: ImageEncoder(about["ngf"], about["z_dim"]))
    if model is None:
        return {}
    with torch.no_grad():
        style = model(case.tensor("image"))
    return {"mu": style.mean, "logvar": style.log_variance}


def losses(case: Case) -> dict[str, Any]:
    """Every kind of adversarial loss, feature matching and KL from literal discriminator and encoder outputs."""
    about = case.arguments
    targets = about.get("fake_label", 0.0), about.get("real_label", 1.0)
    scores = [score.requires_grad_() for score in numbered(case, "pred")]
    out: dict[str, Any] = {}
    for name in [name for name in case.stored if name.rsplit("_", 1)[-1] in ("D", "G") and "grad" not in name]:
        mode, target, side = name.split("_")
        each = adversarial_losses.gan_losses(MODES[mode], scores, target == "real", side == "G", targets)
        out[name] = each.mean()
        out[f"grad_{name}"] = torch.cat([g.flatten() for g in torch.autograd.grad(out[name], scores)])
    fake, real = (grouped(case, kind) for kind in ("fake", "real"))
    features = ([scale[:-1] for scale in fake], [scale[:-1] for scale in real])
    matched = adversarial_losses.feature_matching(*features) * about["lambda_feat"]
    kl = adversarial_losses.kl_divergence([Gaussian(case.tensor("mu"), case.tensor("logvar"))])
    last, mode = [scale[-1] for scale in fake], MODES[about.get("gan_mode", "hinge")]
    return out | {
        "G_GAN": adversarial_losses.gan_losses(mode, last, True, True, targets).mean(),
        "G_GAN_Feat": matched,
        "KLD": kl,
        "G_KLD_times_lambda": kl * about["lambda_kld"],
    }


def vgg_loss(case: Case) -> dict[str, Any]:
    """The perceptual loss with drawn VGG19 weights."""
    features = perceptual_losses.features_of("vgg19")
    fill(features, case.about["state_dict"])
    loss = perceptual_losses.PerceptualLoss(features, case.arguments["weights"], perceptual_losses.CUTS["vgg19"])
    a, b = case.tensor("a_normal").tanh(), case.tensor("b_normal").tanh()
    with torch.no_grad():
        maps = loss.features(a)
        return {"loss": loss(a, b), "features": torch.stack([m.abs().mean() for m in maps]), "last": maps[-1]}


def step(case: Case) -> dict[str, Any]:
    """All losses of one step, with an encoder and the perceptual loss where the case has them."""
    about, training = case.arguments, case.about.get("mode") == "train"
    config = SPADEConfig(**network_fields(about) | {"nef": about["ngf"]})
    weights, preset = discriminator_preset(about), TrainingPreset(recipe="spade", batch_size=2, learning_rate=1e-4)
    generator = without_encoder(config, SPADEGenerator)
    fill(generator, case.about["state_dict_netG"])
    if config.vae:
        generator.encoder = fill(ImageEncoder(config.nef, config.z_dim), case.about["state_dict_netE"])
    discriminator = MultiscaleDiscriminator(config, weights)
    fill(discriminator, case.about["state_dict_netD"])
    perceptual = None if about["no_vgg_loss"] else drawn_perceptual(case, weights)
    objective = AdversarialObjective(
        generator.train(training), discriminator.train(training), preset, weights, perceptual
    )
    if config.vae:
        noise = noises(case, config.z_dim)
        objective.draw_latent = lambda condition, generators: next(noise)
    pictures: list[Tensor] = []
    generator.register_forward_hook(lambda module, inputs, output: pictures.append(output.picture))
    image = case.tensor("image_normal").tanh() if "image_normal" in case.inputs else case.tensor("image")
    batch = Batch(image, condition_of(case, config), [])
    with torch.no_grad():
        of_generator = objective.generator_losses(batch, [])
        of_discriminator = objective.discriminator_losses(batch, [])
    names = {"generator": "G_GAN", "feature": "G_GAN_Feat", "kl": "G_KLD", "perceptual": "G_VGG"}
    out = {names[name]: value for name, value in of_generator.items()}
    return out | {"D_Fake": of_discriminator["fake"], "D_real": of_discriminator["real"], "fake": pictures[0]}


def noises(case: Case, z_dim: int) -> Iterator[Tensor]:
    """The noises (N, z_dim) that the encoder's Gaussian is drawn with, in the order of the passes, again and again."""
    drawn = [each for value in case.inputs.values() for each in (value if isinstance(value, list) else [value])]
    return cycle([torch.from_numpy(each) for each in drawn if each is not None and each.shape[1:] == (z_dim,)])


def preprocess(case: Case) -> dict[str, Any]:
    """One-hot encoding with a don't-care channel, and the edge channel."""
    about = case.arguments
    raw, instances = case.tensor("raw_labels")[:, 0].long(), case.tensor("instances")[:, 0]
    classes = about["label_nc"] + about["contain_dontcare_label"]
    label = torch.where(raw == 255, about["label_nc"], raw)
    condition = Condition(label, instances, classes, torch.ones(len(label), dtype=torch.bool))
    return {"semantics": condition.semantics(edges=not about["no_instance"])}


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="discriminator_"), discriminator),
    (of(REPOSITORY, first_key="layer1."), encoder),
    (of(REPOSITORY, "preprocess_input"), preprocess),
    (of(REPOSITORY, "VGGLoss"), vgg_loss),
    (of(REPOSITORY, "compute_generator_loss"), losses),
    (lambda case: of(REPOSITORY, "pix2pix_model.py")(case) and "fake" in case.stored, step),
]
