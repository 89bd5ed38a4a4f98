"""Reads parity cases: a json (and npz) a case, every weight and input drawn from its own name.

The format is described in `cases/README.md`. A case stores outputs of a reference implementation; its weights and most
inputs are not stored but follow from a key or a name and a shape.
"""

import io
import json
import math
import os
import tarfile
import zlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SHARED = Path(os.environ.get("SDM_BENCH_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CASES = Path(__file__).parent / "cases"
SUFFIX = ".tar.xz"


@dataclass(frozen=True)
class Source:
    """Where a case's files are: `name`, <group>/<case>, below the folder or in the pack `root`."""

    name: str
    root: Path

    def read(self, suffix: str) -> bytes | None:
        """The bytes of the case's file that ends in `suffix`, None where it has none."""
        if self.root.is_file():
            return _members(self.root).get(f"{self.name}{suffix}")
        path = self.root / f"{self.name.rsplit('/', 1)[1]}{suffix}"
        return path.read_bytes() if path.exists() else None


@lru_cache(maxsize=32)
def _members(pack: Path) -> dict[str, bytes]:
    with tarfile.open(pack, "r:xz") as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member)) is not None}


@dataclass(frozen=True)
class Case:
    """A case, <group>/<case>: `about` is its json, `inputs` what is drawn or literal, `stored` the outputs."""

    name: str
    about: dict[str, Any]
    inputs: dict[str, Any]
    stored: dict[str, np.ndarray]

    @property
    def arguments(self) -> dict[str, Any]:
        """The official constructor's and call arguments."""
        return self.about["arguments"]

    def tensor(self, name: str) -> Tensor:
        """The input called `name` as a tensor."""
        return torch.from_numpy(np.ascontiguousarray(self.inputs[name]))


def find(root: Path, pattern: str = "*") -> list[Source]:
    """The cases in the packs and folders below `root` whose <group>/<case> or <case> matches the glob `pattern`."""
    found = [Source(f"{path.parent.name}/{path.stem}", path.parent) for path in root.rglob("*.json")]
    for pack in root.rglob(f"*{SUFFIX}"):
        found += [Source(name.removesuffix(".json"), pack) for name in _members(pack) if name.endswith(".json")]
    asked = [each for each in found if any(fnmatchcase(n, pattern) for n in (each.name, each.name.split("/")[1]))]
    return sorted((each for each in asked if b'"what"' in (each.read(".json") or b"")), key=lambda each: each.name)


def load(source: Source) -> Case:
    """The case that `source` holds."""
    about, archive = json.loads(source.read(".json") or b""), source.read(".npz")
    arrays = dict(np.load(io.BytesIO(archive))) if archive is not None else {}
    inputs = {name: _input(entry, arrays, name) for name, entry in about["inputs"].items()}
    return Case(source.name, about, inputs, {name: arrays[name] for name in about["outputs"]})


def compare(entry: dict, stored: np.ndarray, ours: Any) -> tuple[bool, float]:
    """Whether a full output agrees with the stored one, and the error that the tolerance applies to."""
    value = ours.detach().cpu().numpy() if isinstance(ours, Tensor) else np.asarray(ours)
    if "slice" in entry:
        if list(value.shape) != entry["full_shape"]:
            return False, math.inf
        value = value[tuple(slice(*bounds) for bounds in entry["slice"])]
    if list(value.shape) != entry["shape"]:
        return False, math.inf
    if not entry["tolerance"]:
        mismatch = float(np.mean(value != stored)) if stored.size else 0.0
        return mismatch <= entry.get("allowed_mismatch", 0.0), mismatch
    return _within(entry, value.astype(np.float64), stored.astype(np.float64))


def _within(entry: dict, ours: np.ndarray, stored: np.ndarray) -> tuple[bool, float]:
    if not np.array_equal(np.isnan(ours), np.isnan(stored)):
        return False, math.inf
    rows = len(stored) if entry["relative_to"] == "item" and stored.ndim else 1
    ours, stored = np.nan_to_num(ours).reshape(rows, -1), np.nan_to_num(stored).reshape(rows, -1)
    scale = np.abs(stored).max(1)
    error = float((np.abs(ours - stored).max(1) / np.where(scale == 0, 1.0, scale)).max())
    return error <= entry["tolerance"], error


def fill(module: nn.Module, table: list) -> nn.Module:
    """Loads drawn weights for every [key, shape] of `table` into `module`, strictly; returns it in evaluation mode."""
    drawn = {key: torch.from_numpy(weight(key, tuple(shape))) for key, shape in table}
    for key in [key for key in drawn if key.endswith("weight_v") and key[:-1] + "u" in drawn]:
        stem = key.removesuffix("_v")
        drawn[f"{stem}_u"], drawn[key] = spectral_vectors(drawn[f"{stem}_orig"], drawn[f"{stem}_u"])
    module.load_state_dict(drawn, strict=True)
    return module.eval()


def keys_and_shapes(module: nn.Module) -> list[list]:
    """[key, shape] of every entry of a module's state dict, in its order."""
    return [[key, list(value.shape)] for key, value in module.state_dict().items()]


def spectral_vectors(weight_orig: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
    """u = unit(draw) and v = unit(M^T u) with M = weight_orig as (out, rest), norms in float64."""
    u = draw.double()
    u = (u / u.norm()).float()
    v = weight_orig.flatten(1).double().T @ u.double()
    return u, (v / v.norm()).float()


def weight(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The drawn value of state-dict entry `key`: float32, or int64 zeros for batch counters."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    draw = _draw(key, shape)
    if key.endswith("running_var"):
        draw = 1.0 + 0.1 * np.abs(draw)
    elif key.endswith("running_mean"):
        draw = 0.1 * draw
    elif len(shape) >= 2:
        draw = draw / np.sqrt(np.prod(shape[1:]))
    elif key.endswith("weight"):
        draw = 1.0 + 0.1 * draw
    else:
        draw = 0.1 * draw
    return draw.astype(np.float32)


def normal(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The drawn standard normal input called `name`, float32."""
    return _draw("input:" + name, shape).astype(np.float32)


def labels(name: str, shape: tuple[int, ...], num_classes: int) -> np.ndarray:
    """The drawn label map called `name`: int64 (N, H, W), a background and twelve rectangles an item."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(f"labels:{name}".encode())))
    _, height, width = shape
    out = np.zeros(shape, np.int64)
    for item in out:
        item[:] = rng.integers(num_classes)
        for _ in range(12):
            top, left = rng.integers(height), rng.integers(width)
            value = rng.integers(num_classes)
            bottom, right = top + 1 + rng.integers(height), left + 1 + rng.integers(width)
            item[top:bottom, left:right] = value
    return out


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape)


def _input(entry: dict, arrays: dict, name: str) -> Any:
    kind = entry["kind"]
    if kind == "literal":
        return np.array(entry["value"]) if "value" in entry else arrays[name]
    if kind == "labels":
        return labels(entry["draw"], tuple(entry["shape"]), entry["num_classes"])
    if kind == "formula":
        return None
    shape = tuple(entry["shape"])
    if "count" in entry:
        return [normal(f"{entry['draw']}-{k}", shape) for k in range(entry["count"])]
    value = normal(entry["draw"], shape)
    value = value * np.float32(entry.get("multiply", 1)) + np.float32(entry.get("add", 0))
    return np.clip(value, *np.float32(entry["clip"])) if "clip" in entry else value
