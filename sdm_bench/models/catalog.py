"""The methods by name, and their presets: `paper`, the published configuration, and `toy`, fit for two cores."""

from functools import cache
from importlib import import_module, resources
from typing import Any, Literal

from pydantic import ValidationError

from sdm_bench.errors import UserError, unknown_name
from sdm_bench.models.preset import Preset, Section, read_preset


class Method(Section):
    """What a table's row compares. `network` and `config` are "module:Class"."""

    name: str
    title: str
    kind: Literal["diffusion", "gan"]
    stochastic: bool
    network: str
    config: str


METHODS = {
    method.name: method
    for method in (
        Method(
            name="sdm",
            title="SDM",
            kind="diffusion",
            stochastic=True,
            network="sdm_bench.models.sdm:SDM",
            config="sdm_bench.models.unet_blocks:UNetConfig",
        ),
        Method(
            name="sdm-concat",
            title="DDPM, concatenated label map",
            kind="diffusion",
            stochastic=True,
            network="sdm_bench.models.concat_ddpm:ConcatDDPM",
            config="sdm_bench.models.unet_blocks:UNetConfig",
        ),
        Method(
            name="spade",
            title="SPADE",
            kind="gan",
            stochastic=False,
            network="sdm_bench.models.spade:SPADEGenerator",
            config="sdm_bench.models.spade:SPADEConfig",
        ),
    )
}


def method(name: str) -> Method:
    """The method called `name`; raises UserError with the nearest known name."""
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name]


def preset(method_name: str, preset_name: str, dataset: str) -> Preset:
    """The preset of a method for a dataset: its defaults, and what the dataset changes."""
    file = resources.files("sdm_bench.models").joinpath(f"presets/{method(method_name).name}.yaml")
    return read_preset(file.read_text(encoding="utf-8"), method_name, preset_name, dataset)


def network_config(method_name: str, fields: dict[str, Any]) -> Any:
    """The method's configuration object from its fields; raises UserError that names the wrong field."""
    try:
        return _load(method(method_name).config)(**fields)
    except ValidationError as error:
        raise UserError(f"configuration of {method_name}: {error}") from error


def build_network(method_name: str, config: Any) -> Any:
    """The method's network (a torch module) for a configuration of `network_config`."""
    return _load(method(method_name).network)(config)


@cache
def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
