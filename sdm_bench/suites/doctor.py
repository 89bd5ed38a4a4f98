"""What is here, what is missing, and the one command that mends it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import nearest_there
from sdm_bench.evaluation.metric import needed_weights
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.results.provenance import versions
from sdm_bench.suites.estimate import spelled_bytes
from sdm_bench.suites.machine import gpus
from sdm_bench.suites.run import Planned
from sdm_bench.suites.slurm_queue import partitions
from sdm_bench.weights.registry import registry
from sdm_bench.weights.store import cache_folder, provenance, verify

# Less free disk than this is said.
LITTLE_DISK = 5e9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` is what is wrong and the command that mends it, empty of what is well."""

    text: str
    mend: str = ""


def examine(planned: Planned | None = None) -> Iterator[Finding]:
    """This machine, and with a suite what of it can't run here."""
    yield Finding(", ".join(f"{name} {version}" for name, version in versions().items()))
    yield from _machine()
    yield from _places([cache_folder(), Path.cwd() if planned is None else planned.out])
    yield from _weights()
    yield from _packages()
    yield from _slurm(planned)
    if planned is not None:
        yield from _suite(planned)


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    there = f"{spelled_bytes(memory.available)} of {spelled_bytes(memory.total)} of memory free"
    yield Finding(f"{os.cpu_count()} cores, {there}")
    found = gpus()
    for gpu in found:
        yield Finding(f"GPU {gpu.number}: {gpu.name}, {spelled_bytes(gpu.free)} of {spelled_bytes(gpu.memory)} free")
    import torch

    if not found:
        yield Finding("no GPU: cells run on the CPU, one at a time")
    elif not torch.cuda.is_available():
        yield Finding("GPU", "PyTorch does not find it; this PyTorch is for CPUs: install one for CUDA")


def _places(folders: list[Path]) -> Iterator[Finding]:
    for folder in dict.fromkeys(each.absolute() for each in folders):
        nearest = nearest_there(folder)
        if not os.access(nearest, os.W_OK | os.X_OK):
            yield Finding(str(folder), f"no permission to write in {nearest}: chmod u+w {nearest}")
            continue
        free = shutil.disk_usage(nearest).free
        advice = "" if free > LITTLE_DISK else f"little room: {spelled_bytes(free)}; SDM_BENCH_CACHE moves the cache"
        yield Finding(f"{folder}: {spelled_bytes(free)} free", advice)


def _weights() -> Iterator[Finding]:
    wanted = needed_weights(protocol(DEFAULT), ("fid", "lpips"))
    there = [name for name in registry() if provenance(name) is not None]
    for check in verify(there):
        mend = "" if check.state == "ok" else f"{check.state}: delete it, then sdm-bench weights fetch {check.name}"
        yield Finding(f"weights {check.name}: sha256 {(check.found or '')[:16]}", mend)
    for name in wanted:
        if name not in there:
            yield Finding(f"weights {name}", f"not in the cache: sdm-bench weights fetch {name}")


def _packages() -> Iterator[Finding]:
    """Packages that do without, until something asks for them."""
    for package, extra, purpose in (
        ("gdown", "released", "released checkpoints on Google Drive"),
        ("transformers", "vit", "FD of DINOv2 and CLIP"),
    ):
        there = find_spec(package) is not None
        yield Finding(f"{package}: {'there' if there else f'not there (extra {extra})'}; for {purpose}")


def _slurm(planned: Planned | None) -> Iterator[Finding]:
    """Whether jobs can be submitted here, and to which partitions; those that the suite names must be among them.

    A Slurm that runs no jobs is wrong where the suite has options for it.
    """
    wanted = planned is not None and bool(planned.plan.suite.slurm)
    if shutil.which("sbatch") is None:
        yield Finding("Slurm: no sbatch here; suites run on this machine")
        return
    try:
        found = partitions()
    except UserError as error:
        yield _unusable(error.message, "scontrol ping says whether its controller is up", wanted)
        return
    for each in found:
        about = f"{each.nodes} nodes, time limit {each.time}{', the default' if each.default else ''}"
        yield Finding(f"Slurm partition {each.name}: {about}{'' if each.up else ', down'}")
    there = {each.name for each in found if each.up}
    if not there:
        yield _unusable("no partition is up", "sinfo says more", wanted)
    for where, name in () if planned is None else _asked_partitions(planned):
        # sbatch takes several and chooses
        for lacking in [each for each in str(name).split(",") if each not in there]:
            known = ", ".join(sorted(there))
            yield Finding(f"suite's {where}", f"partition {lacking} is not there or not up; expected one of {known}")


def _unusable(why: str, advice: str, wanted: bool) -> Finding:
    said = f"{why}; --slurm can't run here: {advice}"
    return Finding("Slurm", said) if wanted else Finding(f"Slurm: {said}")


def _asked_partitions(planned: Planned) -> Iterator[tuple[str, Any]]:
    """The partitions that a suite names, and where it does."""
    for name, value in planned.plan.suite.slurm.items():
        if isinstance(value, dict) and "partition" in value:
            yield f"slurm.{name}.partition", value["partition"]
        elif name == "partition":
            yield "slurm.partition", value


def _suite(planned: Planned) -> Iterator[Finding]:
    plan = planned.plan
    yield Finding(f"suite {plan.suite.name}: {len(plan.cells)} cells, {len(planned.to_do)} to do")
    yield from map(Finding, plan.left_out)
    lacking: dict[str, list[str]] = {}
    for cell in plan.cells.values():
        status = planned.states[cell.name]
        if status.state == "can't" and not status.why.startswith("needs "):
            lacking.setdefault(status.why, []).append(cell.name)
    for why, names in lacking.items():
        yield Finding(f"{len(names)} cells, such as {names[0]}, can't run", why)
    most = max((planned.estimates[cell.name].memory or 0 for cell in planned.to_do), default=0)
    free = max([psutil.virtual_memory().available, *(gpu.free for gpu in gpus())])
    if most > free:
        yield Finding("memory", f"a cell needs about {spelled_bytes(most)}; {spelled_bytes(free)} are free")
