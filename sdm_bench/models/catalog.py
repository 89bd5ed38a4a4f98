"""The methods by name, and their presets: `paper`, the published configuration, and `toy`, fit for two cores."""

from functools import cache
from importlib import import_module, resources
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from sdm_bench.errors import UserError, unknown_name
from sdm_bench.models.preset import DiscriminatorPreset, Preset, Section, read_preset


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
    return read_preset(_shipped(f"presets/{method(method_name).name}.yaml"), method_name, preset_name, dataset)


def network_config(method_name: str, fields: dict[str, Any], image_size: tuple[int, int] | None = None) -> Any:
    """The method's configuration object from its fields; raises UserError that names the wrong field.

    image_size: (height, width) of the pictures, for configurations that have it as a field.
    """
    config = _load(method(method_name).config)
    if image_size is not None and "image_size" in config.model_fields:
        fields = {"image_size": image_size, **fields}
    try:
        return config(**fields)
    except ValidationError as error:
        raise UserError(f"configuration of {method_name}: {error}") from error


def build_network(method_name: str, config: Any) -> Any:
    """The method's network (a torch module) for a configuration of `network_config`."""
    return _load(method(method_name).network)(config)


DISCRIMINATORS = {
    "multiscale": "sdm_bench.models.patchgan:MultiscaleDiscriminator",
    "pix2pixhd": "sdm_bench.models.pix2pixhd:Pix2PixHDDiscriminator",
    "fpse": "sdm_bench.models.fpse:FPSEDiscriminator",
    "unet": "sdm_bench.models.oasis:OASISDiscriminator",
}


def build_discriminator(preset: DiscriminatorPreset, config: Any) -> Any:
    """The discriminator of a preset for a generator's configuration."""
    return _load(DISCRIMINATORS[preset.kind])(config, preset)


@cache
def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
