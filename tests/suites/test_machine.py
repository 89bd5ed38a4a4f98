"""GPUs as nvidia-smi lists them."""

import stat
from pathlib import Path

import pytest

from sdm_bench.suites.machine import GPU, free_memory, gpus

LISTED = "0, GPU-aa11, NVIDIA A, 1000, 2000\\n1, GPU-bb22, NVIDIA B, 30, 40\\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that answers as nvidia-smi does."""
    path = tmp_path / "nvidia-smi"
    path.write_text(f"#!/bin/sh\nprintf '{LISTED}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return path


@pytest.mark.usefixtures("program")
def test_gpus_have_numbers_and_memory() -> None:
    assert gpus() == [GPU("0", "NVIDIA A", 1000 << 20, 2000 << 20), GPU("1", "NVIDIA B", 30 << 20, 40 << 20)]
    assert free_memory("1") == 30 << 20
    assert free_memory(None) > 1 << 20


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(("visible", "numbers"), [("1", ["1"]), ("GPU-aa", ["GPU-aa"]), ("", []), ("7", [])])
def test_only_gpus_that_the_process_may_use_count(
    monkeypatch: pytest.MonkeyPatch, visible: str, numbers: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [each.number for each in gpus()] == numbers


def test_without_the_program_or_a_gpu_there_is_none(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\necho no devices were found\nexit 6\n")
    assert gpus() == []
    monkeypatch.setenv("PATH", "/nowhere")
    assert gpus() == []
