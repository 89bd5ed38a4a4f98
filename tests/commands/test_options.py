"""What an option may be, whichever command takes it."""

from pathlib import Path

import click
import pytest

from cli import main
from sdm_bench.commands.options import IntegerList, NumberList, Shard, Size
from tests.commands.test_commands import leaves, sdm_bench


def float_options() -> list[tuple[tuple[str, ...], str]]:
    """Every option of every command that takes a number with a fraction."""
    found = []
    for path in leaves(main):
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), name) or command
        numbers = [each for each in command.params if isinstance(each.type, click.types.FloatParamType)]
        found += [(path, each.opts[0]) for each in numbers]
    return found


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("path", "option"), float_options(), ids=lambda value: str(value))
def test_numbers_are_finite(
    path: tuple[str, ...], option: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = {
        ("train",): ("sdm", "--dataset", "cityscapes", "--data", ".", "--out", "run"),
        ("segment", "train"): ("unet", "--dataset", "cityscapes", "--data", ".", "--out", "run"),
        ("benchmark", "evaluation"): (".",),
        ("edit",): ("--checkpoint", "toy", "--out", "edit"),
    }
    output = sdm_bench(*path, *needed.get(path, ()), option, value, code=2).output
    assert f"Invalid value for '{option}': {value}" in output
    assert not any(tmp_path.iterdir())


def test_there_are_numbers_to_test() -> None:
    assert (("generate",), "--guidance") in float_options()


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (IntegerList(), "0-2,7,1", [0, 1, 2, 7]),
        (IntegerList(), "²", "expected numbers like 0, 0-2 or 0,4"),
        (IntegerList(), "٣", "expected numbers like 0, 0-2 or 0,4"),
        (IntegerList(), "0-²", "expected numbers like 0, 0-2 or 0,4"),
        (IntegerList(), "2-0", "expected numbers like 0, 0-2 or 0,4"),
        (IntegerList(), "1\n", "expected numbers like 0, 0-2 or 0,4"),
        (IntegerList(), "0-999999999", "up to 100000 of them"),
        (IntegerList(), "9" * 5000, "expected numbers like 0, 0-2 or 0,4"),
        (Shard(), "1/3", (1, 3)),
        (Shard(), "¹/³", "expected k/n"),
        (Shard(), "3/3", "expected k/n"),
        (Size(), "128x64", (64, 128)),
        (Size(), "128x⁶⁴", "expected WIDTHxHEIGHT"),
        (Size(), "0x64", "expected WIDTHxHEIGHT"),
    ],
)
def test_whole_numbers_are_of_ascii_digits(kind: click.ParamType, text: str, expected: object) -> None:
    if isinstance(expected, str):
        with pytest.raises(click.BadParameter, match=expected):
            kind.convert(text, None, None)
    else:
        assert kind.convert(text, None, None) == expected


def test_text_that_is_not_utf_8_is_refused_before_anything_else(tmp_path: Path) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    (tmp_path / name).mkdir()
    for arguments in (("--images", tmp_path / name), ("--images", tmp_path, "--name", name)):
        output = sdm_bench("evaluate", *arguments, "--metric", "fid", code=2).output
        assert output.startswith("Error: argument ")
        assert output.endswith("caf\\udce9: not a name in UTF-8, in which results and records spell it\n")


def test_a_list_of_numbers_keeps_whole_ones_whole() -> None:
    found = NumberList().convert("0.5,1,2.0", None, None)
    assert (found, [type(each) for each in found]) == ([0.5, 1, 2], [float, int, int])
    for wrong in ("", "1,", "0,1", "-1", "nan", "1e9"):
        with pytest.raises(click.BadParameter, match=r"expected numbers above zero like 0.5,1,2"):
            NumberList().convert(wrong, None, None)
