"""The protocols by name: validated, frozen, never code."""

from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from sdm_bench.errors import unknown_name

DEFAULT = "sdm-bench@1"


class Section(BaseModel):
    """A frozen part of a protocol that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FIDProtocol(Section):
    """extractor: registry name of its weights. resize: a mode of metrics/resize.py. real: which pictures are real."""

    extractor: Literal["inception-2015-12-05"]
    resize: str
    real: Literal["evaluated split"]


class LPIPSProtocol(Section):
    """weights: registry name of the backbone. The other fields have one reading so far."""

    weights: Literal["lpips-alex"]
    normalisation: Literal["[-1, 1], once"]
    resize: Literal["none"]
    pairs: Literal["all pairs of samples of a label map; mean over label maps"]


class MIoUProtocol(Section):
    """average: which classes the mean is over, see metrics/miou.py. segmenter: of each dataset; None: the user's."""

    class_map: Literal["evaluated classes"]
    average: Literal["union", "all", "labels"]
    input: Literal["the size of the samples"]
    label_resize: Literal["nearest"]
    segmenter: dict[str, str | None]


class Protocol(Section):
    """Everything that decides what a number means. name: with its version, as in "sdm-bench@1"."""

    name: str
    summary: str
    fid: FIDProtocol
    lpips: LPIPSProtocol
    miou: MIoUProtocol

    @property
    def feature_weights(self) -> tuple[str, ...]:
        """Registry names of the weights behind FID and LPIPS."""
        return self.fid.extractor, self.lpips.weights


def protocol_names() -> list[str]:
    """The names of the shipped protocols."""
    folder = resources.files("sdm_bench.protocols")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def protocol(name: str) -> Protocol:
    """The protocol called `name`; raises UserError with the nearest known name."""
    if name not in protocol_names():
        raise unknown_name("protocol", name, protocol_names())
    file = resources.files("sdm_bench.protocols").joinpath(f"{name}.yaml")
    found = Protocol(**yaml.safe_load(file.read_text(encoding="utf-8")))
    assert found.name == name
    return found
