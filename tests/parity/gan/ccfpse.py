"""Parity of CC-FPSE: generators, discriminator, encoders, losses."""

from typing import Any

import torch

from sdm_bench.models.ccfpse import CCFPSEConfig, CCFPSEGenerator, FPSEDiscriminator
from sdm_bench.models.gan import DiscriminatorOutput
from sdm_bench.training import adversarial_losses
from tests.parity.cases import Case
from tests.parity.gan import spade
from tests.parity.gan.common import Handler, built, condition_of, kept, numbered, of
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "xh-liu/CC-FPSE"
LABEL_NORMS = {"spectralsync_batch": "batch", "spectralbatch": "batch", "spectralinstance": "instance"}


def generator_config(about: dict) -> CCFPSEConfig:
    """Our configuration for the official options; the data set decides the depth."""
    if about["norm_G"] not in LABEL_NORMS:
        raise NotSupportedError("norm", about["norm_G"])
    upsampling = "more" if about["dataset_mode"] == "cityscapes" else "normal"
    fields = spade.common_fields(about) | {"upsampling": upsampling, "label_norm": LABEL_NORMS[about["norm_G"]]}
    return CCFPSEConfig(**fields)


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    config = generator_config(case.arguments)
    model = built(case, lambda: spade.without_encoder(config, CCFPSEGenerator))
    if model is None:
        return {}
    out = kept(model, case.stored)
    latent = case.tensor("z") if config.vae else None
    with torch.no_grad():
        out["image"] = model(condition_of(case, config), latent).picture
    return out


def output(case: Case) -> DiscriminatorOutput | None:
    """What the discriminator answers; None where the case has nothing but keys."""
    about = case.arguments
    edges = not about["no_instance"]
    config = CCFPSEConfig(num_classes=about["label_nc"] + about["contain_dontcare_label"], edges=edges)
    preset = spade.discriminator_preset(about | {"n_layers_D": 4, "num_D": 3})
    model = built(case, lambda: FPSEDiscriminator(config, preset))
    if model is None:
        return None
    with torch.no_grad():
        return model(condition_of(case, config).semantics(edges), case.tensor("image"))


def discriminator(case: Case) -> dict[str, Any]:
    """The discriminator: keys and shapes, the four features and the three maps of scores."""
    answer = output(case)
    if answer is None:
        return {}
    features = {f"feat{k}": feature for k, (feature,) in enumerate(answer.features)}
    return features | {f"pred{k}": score for k, score in enumerate(answer.scores)}


def losses(case: Case) -> dict[str, Any]:
    """Adversarial losses and feature matching from literal discriminator outputs."""

    fake, real = (
        DiscriminatorOutput(numbered(case, f"pred{kind}"), [[f] for f in numbered(case, f"feat{kind}")])
        for kind in ("fake", "real")
    )
    matched = adversarial_losses.feature_matching(fake.features, real.features)
    return {
        "G_GAN": adversarial_losses.gan_losses("hinge", fake.scores, True, True).mean(),
        "G_GAN_Feat": matched * case.arguments["lambda_feat"],
        "D_Fake": adversarial_losses.gan_losses("hinge", fake.scores, False).mean(),
        "D_real": adversarial_losses.gan_losses("hinge", real.scores, True).mean(),
    }


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="enc1."), discriminator),
    (of(REPOSITORY, first_key="layer1."), spade.encoder),
    (of(REPOSITORY, "pix2pix_model.py"), losses),
]
