"""Parity of INADE: generators, the normalisation layer, the encoder of instances, losses."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from sdm_bench.conditioning import Condition
from sdm_bench.models import methods
from sdm_bench.models.gan import Gaussian
from sdm_bench.models.inade import INADE, INADEConfig, INADEGenerator, InstanceEncoder, regions_of
from sdm_bench.training import adversarial_losses
from tests.parity.cases import Case
from tests.parity.gan.clade import norm_fields
from tests.parity.gan.common import Handler, built, condition_of, grouped, kept, of
from tests.parity.gan.spade import common_fields, without_encoder
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "tzt101/INADE"


class Given(nn.Module):
    """In the place of an encoder: posteriors that are given."""

    def __init__(self, posteriors: tuple[Gaussian, ...]):
        super().__init__()
        self.posteriors = posteriors

    def forward(self, picture: Tensor, instances: Tensor, count: int) -> tuple[Gaussian, ...]:
        return self.posteriors


def refuse_sketches(about: dict) -> None:
    """Sketches beside the label map are an option of the authors' that no data set here has an input for."""
    if about.get("add_sketch"):
        raise NotSupportedError("sketches")


def network_config(about: dict) -> INADEConfig:
    """Our configuration for the official options."""
    refuse_sketches(about)
    width = about["crop_size"]
    start = {"image_size": (round(width / about["aspect_ratio"]), width), "z_dim": about["z_dim"]}
    fields = common_fields(about) | norm_fields(about["norm_G"]) | start
    return INADEConfig(**fields, noise_dim=about["noise_nc"])


def of_present(values: Tensor, condition: Condition) -> Tensor:
    """Rows (N, count, ...) of all instance ids from 0 on to those of the ids that each picture has, zero-padded."""
    assert condition.instance is not None
    rows = [row[ids.unique()] for row, ids in zip(values, condition.instance, strict=True)]
    return pad_sequence(rows, batch_first=True)


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    config = network_config(case.arguments)
    model = built(case, lambda: without_encoder(config, INADEGenerator))
    if model is None:
        return {}
    out, condition = kept(model, case.stored), condition_of(case, config)
    if config.vae:
        smu, slv, bmu, blv = (of_present(case.tensor(name), condition) for name in ("smu", "slv", "bmu", "blv"))
        model.encoder = Given((Gaussian(smu, slv), Gaussian(bmu, blv)))
        condition = replace(condition, style=torch.zeros(len(condition), 3, *condition.size))
    with torch.no_grad():
        noise = of_present(case.tensor("noise"), condition)
        out["image"] = model(condition, (case.tensor("noise_ins"), noise)).picture
    return out


def layer(case: Case) -> dict[str, Any]:
    """One normalisation layer, with label and instance map at another size than its input."""
    about = case.arguments
    refuse_sketches(about)
    config = INADEConfig(num_classes=about["label_nc"], edges=True, noise_dim=about["noise_nc"])
    model = built(case, lambda: INADE(about["norm_nc"], config))
    assert model is not None
    regions = regions_of(condition_of(case, config), case.tensor("instances"), case.tensor("noise"))
    with torch.no_grad():
        return {"out": model(case.tensor("x"), regions)}


def encoder(case: Case) -> dict[str, Any]:
    """The encoder: keys and shapes, and the means and log-variances of every instance."""
    about = case.arguments
    model = built(case, lambda: InstanceEncoder(about["ngf"], about["noise_nc"]))
    if model is None:
        return {}
    count = case.about["inputs"]["instances"]["num_classes"]
    with torch.no_grad():
        scale, bias = model(case.tensor("image"), case.tensor("instances"), count)
    return {
        "scale_mu": scale.mean,
        "scale_logvar": scale.log_variance,
        "bias_mu": bias.mean,
        "bias_logvar": bias.log_variance,
    }


def losses(case: Case) -> dict[str, Any]:
    """The generator's losses from literal discriminator and encoder outputs, matching the preset's layers."""
    about, weights = case.arguments, methods.preset("inade", "paper", "cityscapes").discriminator
    assert weights is not None
    assert list(weights.vgg_weights) == about["vgg_weights"]
    fake, real = (grouped(case, kind) for kind in ("fake", "real"))
    features = ([scale[:-1] for scale in fake], [scale[:-1] for scale in real])
    posteriors = [Gaussian(case.tensor(f"{side}mu"), case.tensor(f"{side}lv")) for side in "sb"]
    return {
        "GAN": adversarial_losses.gan_losses("hinge", [scale[-1] for scale in fake], True, True).mean(),
        "GAN_Feat": adversarial_losses.feature_matching(*features, weights.feature_from) * about["lambda_feat"],
        "KLD": adversarial_losses.kl_divergence(posteriors) * about["lambda_kld"],
    }


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="weight"), layer),
    (of(REPOSITORY, first_key="layer1."), encoder),
    (of(REPOSITORY, "compute_generator_loss"), losses),
]
