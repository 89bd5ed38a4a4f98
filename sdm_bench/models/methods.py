"""The methods by name, and their presets: `paper`, the published configuration, and `toy`, fit for two cores."""

import math
from functools import cache
from importlib import import_module, resources
from typing import Any, Literal

import yaml

from sdm_bench.base.errors import unknown_name
from sdm_bench.base.sections import Section, parsed
from sdm_bench.models.preset import DiscriminatorPreset, Preset, read_preset, read_presets


class Method(Section):
    """What a table's row compares, as methods.yaml describes it."""

    name: str
    title: str
    kind: Literal["diffusion", "gan"]
    network: str
    config: str
    original: str
    license: str
    released: str | None


def _shipped(name: str) -> str:
    return resources.files("sdm_bench.models").joinpath(name).read_text(encoding="utf-8")


METHODS = {fields["name"]: Method(**fields) for fields in yaml.safe_load(_shipped("methods.yaml"))}


def method(name: str) -> Method:
    """The method called `name`; raises UserError with the nearest known name."""
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name]


def preset(method_name: str, preset_name: str, dataset: str) -> Preset:
    """The preset of a method for a dataset: its defaults, and what the dataset changes."""
    return read_preset(_preset_text(method_name), method_name, preset_name, dataset)


def datasets(method_name: str) -> list[str]:
    """The datasets that a method has presets for."""
    return list(dict.fromkeys(name for chosen in _presets(method_name).values() for name in chosen["datasets"]))


def preset_names(method_name: str, dataset: str) -> list[str]:
    """The presets that a method has for a dataset."""
    return [name for name, chosen in _presets(method_name).items() if dataset in chosen["datasets"]]


def size_multiple(preset_name: str, dataset: str) -> int:
    """What the height and width of pictures must be multiples of for every method that has the preset."""
    having = [name for name in METHODS if preset_name in preset_names(name, dataset)]
    presets = [(name, preset(name, preset_name, dataset)) for name in having]
    configs = [network_config(name, {**each.network, "num_classes": 2}) for name, each in presets]
    return math.lcm(*(config.size_multiple for config in configs))


def network_config(method_name: str, fields: dict[str, Any], image_size: tuple[int, int] | None = None) -> Any:
    """The method's configuration object from its fields; raises UserError that names the wrong field.

    image_size: (height, width) of the pictures, for configurations that have it as a field.
    """
    config = _load(method(method_name).config)
    if image_size is not None and "image_size" in config.model_fields:
        fields = {"image_size": image_size, **fields}
    return parsed(config, fields, f"configuration of {method_name}")


def build_network(method_name: str, config: Any) -> Any:
    """The method's network (a torch module) for a configuration of `network_config`."""
    return _load(method(method_name).network)(config)


DISCRIMINATORS = {
    "multiscale": "sdm_bench.models.patchgan:MultiscaleDiscriminator",
    "pix2pixhd": "sdm_bench.models.pix2pixhd:Pix2PixHDDiscriminator",
    "fpse": "sdm_bench.models.ccfpse:FPSEDiscriminator",
    "unet": "sdm_bench.models.oasis:OASISDiscriminator",
}


def build_discriminator(preset: DiscriminatorPreset, config: Any) -> Any:
    """The discriminator of a preset for a generator's configuration."""
    return _load(DISCRIMINATORS[preset.kind])(config, preset)


def _preset_text(method_name: str) -> str:
    return _shipped(f"presets/{method(method_name).name}.yaml")


def _presets(method_name: str) -> dict[str, dict[str, Any]]:
    return read_presets(_preset_text(method_name))


@cache
def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
