"""What a preset holds: the configuration of a network, how it is trained and how it is sampled."""

from typing import Any, Literal

import yaml

from sdm_bench.base.errors import unknown_name
from sdm_bench.base.sections import Section


class DiffusionPreset(Section):
    """The forward process: `steps` timesteps of the noise schedule called `schedule`."""

    steps: int = 1000
    schedule: Literal["linear", "cosine"] = "linear"


class DiscriminatorPreset(Section):
    """A discriminator, the adversarial losses with it, and the weights of the generator's further losses.

    ndf, layers, scales: its width, depth and number of resolutions, where its kind leaves them open. scales_are_summed:
    losses are added up over scales instead of averaged. discriminator_share: of the losses that train it.
    feature_from: the first layer whose output is matched. vgg_weights: of relu1_1 to relu5_1 of VGG19.
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


class Preset(Section):
    """A published or toy configuration of one method on one dataset; `network` are the fields of its configuration."""

    network: dict[str, Any]
    training: TrainingPreset
    sampling: SamplingPreset = SamplingPreset()
    diffusion: DiffusionPreset | None = None
    discriminator: DiscriminatorPreset | None = None
    image_size: int


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
