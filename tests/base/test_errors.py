"""The user's mistakes."""

import errno
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import PartialFailure, UserError, errors_in_a_line, unknown_name


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
