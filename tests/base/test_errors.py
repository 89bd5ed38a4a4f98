"""The user's mistakes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import MachineError, PartialFailure, UserError, errors_in_a_line, unknown_name


def test_an_unknown_name_says_which_was_meant() -> None:
    error = unknown_name("dataset", "cityscape", ["cityscapes", "ade20k"])
    assert error.message == "Unknown dataset 'cityscape'. Did you mean 'cityscapes'? Available: ade20k, cityscapes."
    assert "Did you mean" not in unknown_name("dataset", "xyz", ["cityscapes"]).message


def test_exit_codes_tell_usage_from_failed_cells() -> None:
    assert (UserError("").exit_code, PartialFailure("").exit_code) == (2, 1)


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (errno.ENOSPC, 1, "a/b: No space left on device; the same command goes on when there is room"),
        (errno.EROFS, 2, "a/b: Read-only file system"),
        (errno.EACCES, 2, "a/b: Permission denied"),
        (errno.EIO, 1, "a/b: Input/output error"),
    ],
)
def test_what_the_system_refuses_is_a_line_with_the_place(number: int, code: int, text: str) -> None:
    with pytest.raises(click.ClickException) as caught, errors_in_a_line():
        raise OSError(number, os.strerror(number), "a/b")
    assert (caught.value.message, caught.value.exit_code) == (text, code)


def _not_on_cuda() -> None:
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1.50 GiB free.")


def _not_on_mps() -> None:
    raise RuntimeError("MPS backend out of memory (max allowed: 9.07 GB). Tried to allocate 25.00 MB on private pool.")


def _not_on_cpu() -> None:
    torch.empty(1 << 46)


@pytest.mark.parametrize(
    ("allocate", "asked"),
    [(_not_on_cuda, "2.00 GiB"), (_not_on_mps, "25.00 MB"), (_not_on_cpu, "281474976710656 bytes")],
)
def test_memory_that_a_tensor_does_not_get_is_a_line(allocate: Callable[[], None], asked: str) -> None:
    with pytest.raises(MachineError) as caught, errors_in_a_line():
        allocate()
    expected = f"out of memory: no room for {asked} more; a smaller batch, picture or --precision needs less"
    assert (caught.value.message, caught.value.exit_code) == (expected, 1)


def test_another_error_of_torch_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape mismatch"), errors_in_a_line():
        raise RuntimeError("shape mismatch")


def test_a_closed_pipe_is_left_to_click() -> None:
    with pytest.raises(BrokenPipeError), errors_in_a_line():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_command_that_the_disk_stops_ends_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "toy/toy.json")

    monkeypatch.setattr("sdm_bench.toy.write_toy", full)
    found = CliRunner().invoke(main, ["data", "toy", "cityscapes", str(tmp_path / "toy")])
    assert found.exit_code == 1
    assert found.output == "Error: toy/toy.json: No space left on device; the same command goes on when there is room\n"


def test_places_that_cannot_be_made_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    train = ["train", "spade", "--dataset", "cityscapes", "--data", str(tmp_path), "--steps", "1", "--out", str(out)]
    for command, flag in ((train, "--out"), (["data", "toy", "cityscapes", str(out)], "OUT")):
        found = CliRunner().invoke(main, command)
        assert found.exit_code == 2
        assert found.output.endswith(f"{flag} {out}: {tmp_path}/file is a file; expected a folder\n")
