"""Weights files, which others load: one safetensors, and beside it a JSON of the same name.

The JSON says what the file holds and how it was made.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from torch import Tensor

from sdm_bench.base.eightbits import PACKED, halved, pack
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, sha256_file, sha256_lines, write_json
from sdm_bench.base.sections import Side, parsed
from sdm_bench.base.tensors import Tensors, read_tensors, write_safetensors

# What a floating-point number of a weights file may take.
Bits = Literal[32, 16, 8]


class WeightsAbout(BaseModel):
    """The JSON beside a weights file.

    method: its name, or that of the segmenter. network: the fields of its configuration. image_size: (height,
    width) it was trained at. training: the options of the run; init is what it started from, if anything. stages:
    command, seed, steps, seconds and version of the runs it started from, oldest first. seed, steps: of the training,
    None where nobody says. core_seconds: CPU time of it. budget: "15 core-minutes" or "5 minutes" where that ended it
    and not a number of steps.
    """

    method: str
    dataset: str
    network: dict[str, Any]
    image_size: tuple[Side, Side]
    diffusion: dict[str, Any] | None = None
    sampling: dict[str, Any] | None = None
    training: dict[str, Any] = {}
    command: str = ""
    seed: int | None = None
    steps: int | None = None
    seconds: float = 0.0
    core_seconds: float | None = None
    budget: str = ""
    stages: list[dict[str, Any]] = []
    averaged: bool = False
    version: str = ""
    sha256: str = ""

    @property
    def configuration_sha256(self) -> str:
        """SHA-256 over the network, the diffusion process and how it was trained, all but the seed and the steps.

        Of what it was fine-tuned from, for how many steps that was trained. A budget is a part of it, of all stages:
        how many steps fit in differs from one training to the next.
        """
        made = self.model_dump(mode="json", include={"method", "dataset", "network", "image_size", "diffusion"})
        left_out = OF_ONE_TRAINING | {name for name in ADDED if self.training.get(name) is None}
        training = {name: value for name, value in self.training.items() if name not in left_out}
        before = [stage.get("budget") or stage.get("steps") for stage in self.stages]
        budget = [self.budget] if self.budget else []
        return sha256_lines([json.dumps([made, training, before, self.averaged, *budget], sort_keys=True)])


# Options in which trainings differ that are repetitions of each other.
OF_ONE_TRAINING = frozenset({"seed", "init", "init_sha256", "budget_minutes", "core_budget_minutes"})
# Options that earlier versions did not write; without a value they are left out, so that older digests hold.
ADDED = ("schedule_core_minutes",)


def write_weights(path: Path, tensors: Tensors, about: WeightsAbout, bits: Bits = 32) -> None:
    """Writes a weights file and its JSON.

    bits: of floating-point numbers; 16 is float16, 8 is `base/eightbits.py`. Raises UserError for what doesn't fit.
    """
    stored = {name: storable(tensor) for name, tensor in tensors.items()}
    if bits == 8:
        write_safetensors(path, pack(stored), PACKED)
    elif bits == 16:
        write_safetensors(path, {n: halved(n, t) if t.is_floating_point() else t for n, t in stored.items()})
    else:
        write_safetensors(path, stored)
    digest = sha256_file(path)
    write_json(path.with_suffix(".json"), about.model_copy(update={"sha256": digest}).model_dump())


def storable(tensor: Tensor) -> Tensor:
    """The tensor as files hold it: on the CPU, contiguous."""
    return tensor.detach().cpu().contiguous()


def read_weights(path: Path) -> tuple[Tensors, WeightsAbout | None]:
    """The tensors of a weights file, floating-point ones in float32, and its JSON if it has one; raises UserError."""
    tensors = read_tensors(path)
    sidecar = path.with_suffix(".json")
    about = _read_about(sidecar) if sidecar.is_file() else None
    if about is not None and about.sha256 and about.sha256 != sha256_file(path):
        raise UserError(f"{path}: not the file that {sidecar.name} was written for: another sha256; one is damaged")
    return {name: single(tensor) for name, tensor in tensors.items()}, about


def _read_about(path: Path) -> WeightsAbout:
    return parsed(WeightsAbout, read_object(path), f"{path}: does not describe the weights beside it")


def single(tensor: Tensor) -> Tensor:
    """The tensor in float32, if it is of floating-point numbers."""
    return tensor.float() if tensor.is_floating_point() else tensor
