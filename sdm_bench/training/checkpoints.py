"""Checkpoints: tensors as safetensors, everything else as JSON, each whole or absent.

A training run keeps folders `checkpoints/step-<n>/` with one file a module and optimizer. What others load is a weights
file: one safetensors and a JSON of the same name beside it that says what it holds and how it was made.
"""

import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from sdm_bench.errors import UserError
from sdm_bench.files import atomic_path, read_json, sha256_file, write_json
from sdm_bench.tensors import Tensors, read_tensors


class WeightsAbout(BaseModel):
    """The JSON beside a weights file.

    method: name in the catalog, or of the segmenter. network: the fields of its configuration. image_size: (height,
    width) it was trained at. training: the options of the run; init is what it started from, if anything. stages:
    command, seed, steps, seconds and version of the runs it started from, oldest first.
    """

    method: str
    dataset: str
    network: dict[str, Any]
    image_size: tuple[int, int]
    diffusion: dict[str, Any] | None = None
    sampling: dict[str, Any] | None = None
    training: dict[str, Any] = {}
    command: str = ""
    seed: int = 0
    steps: int = 0
    seconds: float = 0.0
    stages: list[dict[str, Any]] = []
    averaged: bool = False
    version: str = ""
    sha256: str = ""


def write_weights(path: Path, tensors: Tensors, about: WeightsAbout, half: bool = False) -> None:
    """Writes a weights file and its JSON; `half` stores floating-point tensors in float16."""
    with atomic_path(path) as temporary:
        save_file({name: _storable(tensor, half) for name, tensor in tensors.items()}, temporary)
        digest = sha256_file(temporary)
    write_json(path.with_suffix(".json"), about.model_copy(update={"sha256": digest}).model_dump())


def _storable(tensor: Tensor, half: bool) -> Tensor:
    stored = tensor.detach().cpu().contiguous()
    return stored.half() if half and stored.is_floating_point() else stored


def read_weights(path: Path) -> tuple[Tensors, WeightsAbout | None]:
    """The tensors of a weights file, floating-point ones in float32, and its JSON if it has one; raises UserError."""
    tensors = read_tensors(path)
    sidecar = path.with_suffix(".json")
    about = _read_about(sidecar) if sidecar.is_file() else None
    return {name: single(tensor) for name, tensor in tensors.items()}, about


def _read_about(path: Path) -> WeightsAbout:
    try:
        return WeightsAbout(**read_json(path))
    except (ValidationError, TypeError, ValueError) as error:
        raise UserError(f"{path}: does not describe the weights beside it: {error}") from error


def single(tensor: Tensor) -> Tensor:
    """The tensor in float32, if it is of floating-point numbers."""
    return tensor.float() if tensor.is_floating_point() else tensor


def save_step(
    folder: Path, step: int, modules: dict[str, Tensors], optimizers: dict[str, Optimizer], state: dict
) -> None:
    """Writes `<folder>/step-<step>` whole, then removes older steps but the one before."""
    target = folder / f"step-{step:08d}"
    temporary = folder / f".{target.name}.part"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, tensors in modules.items():
        save_file(
            {key: _storable(value, half=False) for key, value in tensors.items()}, temporary / f"{name}.safetensors"
        )
    groups = {}
    for name, optimizer in optimizers.items():
        packed = optimizer.state_dict()
        groups[name] = packed["param_groups"]
        moments = {f"{i}.{k}": v for i, values in packed["state"].items() for k, v in values.items()}
        save_file(
            {key: _storable(value, half=False) for key, value in moments.items()},
            temporary / f"optimizer-{name}.safetensors",
        )
    write_json(temporary / "state.json", {**state, "step": step, "optimizers": groups})
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    for old in step_folders(folder)[:-2]:
        shutil.rmtree(old)


def step_folders(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def read_module(folder: Path, name: str) -> Tensors:
    """The tensors of one module in a step folder."""
    return load_file(folder / f"{name}.safetensors")


def restore_optimizer(folder: Path, name: str, optimizer: Optimizer) -> None:
    """Loads the state of one optimizer from a step folder."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in load_file(folder / f"optimizer-{name}.safetensors").items():
        index, field = key.split(".", 1)
        state.setdefault(int(index), {})[field] = value
    groups = read_json(folder / "state.json")["optimizers"][name]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
