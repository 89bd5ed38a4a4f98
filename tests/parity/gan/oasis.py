"""Parity of OASIS: generator, discriminator, losses, LabelMix, one step, the average of weights."""

from typing import Any

import torch
from torch import Tensor, nn

from sdm_bench.models.oasis import OASISConfig, OASISDiscriminator, OASISGenerator
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.training import adversarial_losses
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import Batch
from sdm_bench.training.objective import exponential_average
from tests.parity.cases import Case, fill, weight
from tests.parity.gan.common import Handler, built, condition_of, drawn_perceptual, kept, of

REPOSITORY = "boschresearch/OASIS"
DISCRIMINATOR_NDF = 64  # the official widths are fixed; channels_D is never read


def config_of(about: dict) -> OASISConfig:
    """Our configuration for the official options."""
    return OASISConfig(
        num_classes=about["semantic_nc"],
        edges=False,
        ngf=about["channels_G"],
        blocks=about["num_res_blocks"],
        kernel=about["spade_ks"],
        z_dim=0 if about["no_3dnoise"] else about["z_dim"],
        norm="instance" if about["param_free_norm"] == "instance" else "batch",
        spectral=not about["no_spectral_norm"],
        unknown_first=about["contain_dontcare_label"],
    )


def discriminator_preset(about: dict) -> DiscriminatorPreset:
    """Our preset for the official options."""
    return DiscriminatorPreset(
        kind="unet",
        ndf=DISCRIMINATOR_NDF,
        layers=about["num_res_blocks"],
        lambda_labelmix=0.0 if about.get("no_labelmix") else about.get("lambda_labelmix", 10.0),
        lambda_vgg=about.get("lambda_vgg", 10.0),
        balanced=not about.get("no_balancing_inloss", False),
    )


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    config = config_of(case.arguments)
    model = built(case, lambda: OASISGenerator(config))
    if model is None:
        return {}
    out = kept(model, case.stored)
    with torch.no_grad():
        out["image"] = model(condition_of(case, config), case.tensor("z") if config.stochastic else None).picture
    return out


def discriminator(case: Case) -> dict[str, Any]:
    """The U-Net: keys and shapes, logits and inner outputs."""
    about = case.arguments
    model = built(case, lambda: OASISDiscriminator(config_of(about), discriminator_preset(about)))
    if model is None:
        return {}
    out, picture = kept(model, case.stored), case.tensor("image")
    with torch.no_grad():
        out["logits"] = model(picture[:, :0], picture).scores[0]
    return out


def flips(case: Case, num_classes: int) -> Tensor:
    """The case's coin flips, one a class of the batch, for every sample and class."""
    row = torch.zeros(num_classes, dtype=torch.bool)
    row[case.tensor("labelmix_classes").long()] = case.tensor("labelmix_draws").bool()
    return row.repeat(len(case.tensor("labels")), 1)


def losses(case: Case) -> dict[str, Any]:
    """Cross-entropies with their targets, weights and gradients, and LabelMix, from literal logits and pictures."""
    label, logits = case.tensor("labels"), case.tensor("logits").requires_grad_()
    classes = case.arguments["semantic_nc"]
    weights, all_known = (adversarial_losses.class_balance(label, classes, first) for first in (True, False))
    real = adversarial_losses.balanced_cross_entropy(
        logits, label, weights if case.arguments["contain_dontcare_label"] else all_known
    )
    target = adversarial_losses.target_of(label, real=False)
    fake = nn.functional.cross_entropy(logits, target)
    mask = adversarial_losses.labelmix_mask(label, flips(case, classes))
    expected = adversarial_losses.mix(mask, case.tensor("dfake"), case.tensor("dreal"))
    return {
        "loss_real": real,
        "grad_real": torch.autograd.grad(real, logits)[0],
        "target_real": adversarial_losses.target_of(label, real=True),
        "loss_fake": fake,
        "grad_fake": torch.autograd.grad(fake, logits)[0],
        "target_fake": target,
        "weight_map": weights if case.arguments["contain_dontcare_label"] else all_known,
        "loss_real_unbalanced": adversarial_losses.balanced_cross_entropy(logits, label, torch.ones_like(weights)),
        "loss_real_no_dontcare": adversarial_losses.balanced_cross_entropy(logits, label, all_known),
        "labelmix_image": adversarial_losses.mix(mask, case.tensor("fake"), case.tensor("real")),
        "labelmix_mask": mask,
        "labelmix_loss": nn.functional.mse_loss(expected, case.tensor("dmixed")),
    }


def step(case: Case) -> dict[str, Any]:
    """All losses of one step, networks in evaluation mode."""
    config, weights = config_of(case.arguments), discriminator_preset(case.arguments)
    network, adversary = OASISGenerator(config), OASISDiscriminator(config, weights)
    fill(network, case.about["state_dict_netG"])
    fill(adversary, case.about["state_dict_netD"])
    preset = TrainingPreset(recipe="spade", batch_size=1, learning_rate=1e-4)
    perceptual = drawn_perceptual(case, weights) if case.arguments.get("add_vgg_loss") else None
    objective = AdversarialObjective(network, adversary, preset, weights, perceptual)
    latent = case.tensor("z") if config.stochastic else None
    objective.draw_latent = lambda condition, generators: latent
    objective.adversarial_loss.flips = lambda generators: flips(case, config.num_classes)
    condition = condition_of(case, config)
    batch = Batch(case.tensor("image_normal").tanh(), condition, [])
    with torch.no_grad():
        of_generator = objective.generator_losses(batch, [])
        of_discriminator = objective.discriminator_losses(batch, [])
        fake = network(condition, latent).picture
    return {
        "loss_G": sum(of_generator.values()),
        "loss_D": sum(of_discriminator.values()),
        "fake": fake,
        **{f"D_{name}": value for name, value in of_discriminator.items()},
        **({"G_vgg": of_generator["perceptual"], "G_adv": of_generator["generator"]} if perceptual else {}),
    }


def average(case: Case) -> dict[str, Any]:
    """The exponential average of a convolution and a batch norm over given states."""
    shapes = {key: tuple(shape) for key, shape in case.about["state_dict"]}
    out_width, width, *kernel = shapes["conv.weight"]
    norm = nn.BatchNorm2d(*shapes["bn.running_mean"], affine="bn.weight" in shapes)
    parts = {"conv": nn.Conv2d(width, out_width, kernel, bias="conv.bias" in shapes), "bn": norm}
    module = fill(nn.ModuleDict(parts), case.about["state_dict"])
    averaged = exponential_average(module, case.arguments["EMA_decay"], warmup=False)
    for number in range(case.arguments["steps"]):
        state = {key: torch.from_numpy(weight(f"{key}@{number}", shape)) for key, shape in shapes.items() if shape}
        state["bn.num_batches_tracked"] = torch.tensor(7 * (number + 1))
        module.load_state_dict(state)
        averaged.update_parameters(module)
    return averaged.module.state_dict()


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="conv_img."), generator),
    (of(REPOSITORY, first_key="body_"), discriminator),
    (of(REPOSITORY, "update_EMA"), average),
    (of(REPOSITORY, "losses.py"), losses),
    (of(REPOSITORY, "OASIS_model"), step),
]
