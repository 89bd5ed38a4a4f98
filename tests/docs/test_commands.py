"""Every command of the documentation and of the helps is one that the program takes; what needs no data is run."""

import re
import runpy
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import UserError
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.commands.test_commands import leaves
from tests.conftest import accept_untrained
from tests.docs.commands import PAGES, ROOT, arguments_of, blocks, parse, workspace

BLOCKS = {str(page.relative_to(ROOT)): blocks(page.read_text(), page.name) for page in PAGES}
RUN = {page: [block for block in found if block.runs] for page, found in BLOCKS.items()}
# Of other programs, which pages name.
FOREIGN = {
    "--only",
    "--count",
    "--help",
    "--nproc_per_node",
    "--no-python",
    "--nodes",
    "--gres",
    "--partition",
    "--time",
}


def problems(lines: tuple[str, ...]) -> list[str]:
    """What the program would refuse of lines, each with why."""
    found = []
    for line in lines:
        for arguments in arguments_of(line):
            try:
                parse(arguments)
            except (click.UsageError, UserError) as error:
                found.append(f"{line}: {error.format_message()}")
    return found


@pytest.fixture
def readers_folder(tmp_path: Path) -> Path:
    return workspace(tmp_path)


@pytest.mark.parametrize("page", [page for page, found in BLOCKS.items() if any(not block.runs for block in found)])
def test_what_needs_data_is_parsed(page: str, readers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(readers_folder)
    assert [each for block in BLOCKS[page] if not block.runs for each in problems(block.lines)] == []


@pytest.mark.parametrize("path", leaves(main), ids=" ".join)
def test_the_examples_of_a_help_are_parsed(
    path: tuple[str, ...], readers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(readers_folder)
    examples = CliRunner().invoke(main, [*path, "--help"]).output.partition("Example")[2]
    whole = re.sub(r" *\\\n\s*", " ", examples)
    lines = tuple(line.strip() for line in whole.splitlines() if line.strip().startswith("sdm-bench "))
    assert lines
    assert problems(lines) == []


@pytest.mark.parametrize(
    "line",
    [
        "sdm-bench train sdm --dataset ade20k --data DIR --stepz 5 --out runs/x",
        "sdm-bench train sdm --dataset ade20k --data NOWHERE --steps 5 --out runs/x",
        "sdm-bench train sdn --dataset ade20k --data DIR --steps 5 --out runs/x",
        "sdm-bench run NO_SUITE.yaml",
        "sdm-bench paint runs/sdm",
    ],
)
def test_what_the_program_refuses_is_found(line: str, readers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(readers_folder)
    assert len(problems((line,))) == 1


@pytest.mark.parametrize("page", [page for page, found in RUN.items() if found])
def test_what_needs_nothing_runs(
    page: str, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for block in RUN[page]:
        for line in block.lines:
            _run(line)


def _run(line: str) -> None:
    if line.startswith("python "):
        _, script, *arguments = line.split()
        command = runpy.run_path(script)["main"]
        calls = [(command, arguments)]
    else:
        calls = [(main, arguments) for arguments in arguments_of(line)]
    for called, arguments in calls:
        result = CliRunner().invoke(called, arguments, prog_name="sdm-bench")
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_blocks_that_are_looked_at(page: Path) -> None:
    outside = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    assert re.findall(r"^ {4,}(?:sdm-bench|torchrun|sbatch|make) .*", outside, re.MULTILINE) == []


def test_options_that_pages_name_exist() -> None:
    known = set(FOREIGN)
    for path in leaves(main):
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), name)  # type: ignore[assignment]
        known |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    for page in PAGES:
        # inline code alone: blocks are parsed
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        named = {
            option
            for code in re.findall(r"`([^`]+)`", text)
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)
        }
        unknown = {option for option in named if option not in known and not option.startswith("--no-")}
        assert sorted(unknown) == [], page
