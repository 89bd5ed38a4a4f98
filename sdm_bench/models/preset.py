"""What a preset holds: the configuration of a network, how it is trained and how it is sampled."""

from collections.abc import Iterable
from typing import Any, Literal

import yaml

from sdm_bench.base.errors import unknown_name
from sdm_bench.base.sections import Section, unless_default

# Name, in the registry of weights, of the network of the papers' perceptual loss.
PERCEPTUAL_DEFAULT = "vgg19"
# Output channels of a network that learns no variances.
FIXED_VARIANCE = 3
FLAGS = {"steps": "--diffusion-steps", "schedule": "--noise-schedule", "out_channels": "--no-learn-sigma"}


def flags_of(fields: Iterable[str]) -> str:
    """The options that fields of a network's and a diffusion process' preset are given by."""
    return ", ".join(FLAGS.get(name, f"--{name.replace('_', '-')}") for name in fields)


class DiffusionPreset(Section):
    """The forward process, `steps` timesteps of the noise schedule called `schedule`, and what a network learns of it.

    Named as the flags of the released script. timestep_respacing: the timesteps trained on, empty: all.
    rescale_timesteps: the network is given timesteps in [0, 1000), whatever `steps`. predict_xstart: its first three
    channels are x_0 instead of the noise. sigma_small: a network of three output channels, which learns no variances,
    has beta_tilde for them instead of beta. loss: see losses.training_loss.
    """

    steps: int = 1000
    schedule: Literal["linear", "cosine"] = "linear"
    timestep_respacing: str = unless_default("")
    rescale_timesteps: bool = unless_default(False)
    predict_xstart: bool = unless_default(False)
    sigma_small: bool = unless_default(False)
    loss: Literal["mse", "rescaled-mse", "kl"] = unless_default("mse")

    def changed(self, fields: dict[str, Any]) -> "DiffusionPreset":
        """This preset with `fields` replaced."""
        return DiffusionPreset(**{**self.model_dump(), **fields})


class DiscriminatorPreset(Section):
    """A discriminator, the adversarial losses with it, and the weights of the generator's further losses.

    ndf, layers, scales: its width, depth and number of resolutions, where its kind leaves them open. scales_are_summed:
    losses are added up over scales instead of averaged. discriminator_share: of the losses that train it.
    feature_from: the first layer whose output is matched. vgg_weights: of the five feature maps of the perceptual loss.
    balanced: whether a discriminator that segments gives every class the same weight.
    """

    kind: Literal["multiscale", "pix2pixhd", "fpse", "unet"] = "multiscale"
    ndf: int = 64
    layers: int = 4
    scales: int = 2
    gan_loss: Literal["hinge", "ls", "bce", "wasserstein"] = "hinge"
    scales_are_summed: bool = False
    discriminator_share: float = 1.0
    lambda_feature: float = 10.0
    feature_from: int = 0
    lambda_vgg: float = 10.0
    vgg_weights: tuple[float, float, float, float, float] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    lambda_kl: float = 0.05
    lambda_auxiliary: float = 0.0
    lambda_labelmix: float = 0.0
    balanced: bool = unless_default(True)


class TrainingPreset(Section):
    """How a method is trained.

    decay_from: share of the steps after which the rate falls to zero, linearly unless decay_power says otherwise.
    batch_norm_batches: on how many batches the batch-norm statistics of the averaged network are recalibrated before it
    is saved.
    """

    recipe: Literal["sdm", "sdm-released", "spade", "oasis", "segmentation"]
    batch_size: int
    learning_rate: float
    discriminator_learning_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    ema_decay: float | None = None
    ema_warmup: bool = False
    batch_norm_batches: int = 0
    steps: int | None = None
    decay_from: float | None = None
    decay_power: float = 1.0


class SamplingPreset(Section):
    """How a method is sampled unless the command says otherwise; a GAN has no solver."""

    solver: str | None = None
    solver_steps: int | None = None
    guidance: float | None = None

    def within(self, steps: int) -> "SamplingPreset":
        """This preset where the schedule has no more than `steps` timesteps."""
        return self.model_copy(update={"solver_steps": min(self.solver_steps or steps, steps)})


class Preset(Section):
    """A published or toy configuration of one method on one dataset; `network` are the fields of its configuration.

    image_size: the short side, None: that of the dataset itself.
    """

    network: dict[str, Any]
    training: TrainingPreset
    sampling: SamplingPreset = SamplingPreset()
    diffusion: DiffusionPreset | None = None
    discriminator: DiscriminatorPreset | None = None
    image_size: int | None


def read_presets(text: str) -> dict[str, dict[str, Any]]:
    """The presets of a YAML by name: `defaults`, and under `datasets` what each dataset changes of them.

    A preset with `like: <name>` is that one, changed by what it says itself.
    """
    presets: dict[str, dict[str, Any]] = yaml.safe_load(text)
    for name, chosen in presets.items():
        if "like" in chosen:
            presets[name] = _merged(presets[chosen["like"]], {k: v for k, v in chosen.items() if k != "like"})
    return presets


def read_preset(text: str, owner: str, preset_name: str, dataset: str) -> Preset:
    """The preset of `owner` for a dataset from YAML: its defaults, changed by what stands under the dataset."""
    presets = read_presets(text)
    if preset_name not in presets:
        raise unknown_name(f"preset of {owner}", preset_name, presets)
    chosen = presets[preset_name]
    if dataset not in chosen["datasets"]:
        raise unknown_name(f"dataset for {owner}'s preset '{preset_name}':", dataset, chosen["datasets"])
    return Preset(**_merged(chosen["defaults"], chosen["datasets"][dataset] or {}))


def _merged(base: dict, change: dict) -> dict:
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
