"""Every help says what options mean, what they are by default, and how the command is called."""

import click
import pytest
from click.testing import CliRunner

from cli import main
from tests.commands.test_commands import leaves


def command_at(path: tuple[str, ...]) -> click.Command:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


def help_of(option: click.Option, path: tuple[str, ...]) -> str:
    """The words that the help has of an option, its default too."""
    context = click.Context(command_at(path), parent=click.Context(main, **main.context_settings))
    record = option.get_help_record(context)
    assert record is not None, f"{option.opts[0]} is hidden"
    return record[1]


@pytest.mark.parametrize("path", leaves(main), ids=" ".join)
def test_every_option_says_what_it_means_and_what_it_is_by_default(path: tuple[str, ...]) -> None:
    wanting = []
    for option in command_at(path).params:
        if not isinstance(option, click.Option):
            continue
        said = help_of(option, path)
        switch = option.is_flag and not option.secondary_opts
        needs_none = option.required or option.multiple or switch
        if said.startswith("[") or not said:
            wanting.append(f"{option.opts[0]}: no words, '{said}'")
        elif not needs_none and "default" not in said.lower():
            wanting.append(f"{option.opts[0]}: nothing of its default, '{said}'")
    assert wanting == []


def test_defaults_are_shown_as_they_are() -> None:
    output = CliRunner().invoke(main, ["train", "--help"]).output
    assert "[default: 1000; x>=1]" in " ".join(output.split())
    assert "[default: toy]" in output
