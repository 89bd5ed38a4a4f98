"""What this machine has to run cells on: GPUs and free memory, asked without starting anything on a GPU."""

import os
import shutil
import subprocess
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class GPU:
    """A GPU by its number (or name) as CUDA_VISIBLE_DEVICES takes it; bytes that are free and there in all."""

    number: str
    name: str
    free: int
    memory: int


def gpus() -> list[GPU]:
    """The GPUs that this process may use, none where nvidia-smi is not there or finds none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    fields = "index,uuid,name,memory.free,memory.total"
    asked = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    wanted = None if visible is None else [each.strip() for each in visible.split(",") if each.strip()]
    found = []
    for line in said.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 5 or not parts[3].isdecimal() or not parts[4].isdecimal():
            continue
        index, uuid, name, free, memory = parts
        called = next((each for each in wanted or () if each == index or uuid.startswith(each)), None)
        if wanted is None or called is not None:
            found.append(GPU(called or index, name, int(free) << 20, int(memory) << 20))
    return found


def free_memory(gpu: str | None) -> int:
    """Bytes free now, on a GPU or of the machine."""
    if gpu is None:
        return int(psutil.virtual_memory().available)
    return next((each.free for each in gpus() if each.number == gpu), 0)


def resident_memory(process: int) -> int:
    """Bytes of the machine's memory that a process has, 0 of one that has ended."""
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
