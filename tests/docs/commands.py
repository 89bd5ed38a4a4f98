"""The commands of the documentation: found in its blocks, parsed against the real options, without being run.

A block of `sh` whose first line is a comment that begins with `# needs` or `# takes` is parsed alone. Any other is run
by test_commands.py, all of a page in one folder. Where a line names a file, it has to be there: what pages take for
granted is what `workspace` makes.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import click

from cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")] + sorted(
    ROOT.glob("docs/*.md")
)
BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
PARSED_ALONE = ("# needs", "# takes")
# Programs that are not ours, and are not looked at.
OTHERS = {"uv", "pip", "podman", "snakemake", "cd"}
FOLDERS = (
    *("DIR", "THEIR_PICTURES", "FOLDER", "STATISTICS", "CelebAMask-HQ", "train_mu_si/ade20k"),
    *(
        "runs/sdm",
        "runs/spade",
        "runs/unet",
        "runs/sdm-seed-0",
        "runs/mine",
        "runs/suite",
        "runs/inade",
        "runs/sdm-concat",
        "bundles",
        "bundle",
        "study/answers",
        "theirs",
        "demo",
        "toy",
        "edit",
        "first",
        "second",
    ),
)
FILES = (
    *("FILE", "study/answers/1.csv", "model.pth", "somebody-elses.csv", "ade20k-val.npz"),
    *("scene.png", "labels.png", "edited.png", "instances.png"),
)


class Block(NamedTuple):
    """A block of commands: the page, whether it is run, and its lines, each whole."""

    page: str
    runs: bool
    lines: tuple[str, ...]


def blocks(text: str, page: str) -> list[Block]:
    """The blocks of a page."""
    found = []
    for match in BLOCK.finditer(text):
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
        whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
        commands = tuple(line for line in whole if line and not line.startswith("#"))
        found.append(Block(page, not whole[0].startswith(PARSED_ALONE), commands))
    return found


def workspace(folder: Path) -> Path:
    """A folder with what the pages take for granted: data, runs and a suite of the reader's."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for name in FILES:
        (folder / name).touch()
    shutil.copy(ROOT / "sdm_bench/suites/shipped/demo.yaml", folder / "SUITE.yaml")
    for name in ("examples", "sdm_bench/suites/shipped", "docs/results"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def arguments_of(line: str) -> list[list[str]]:
    """What each call of the program in a line is given, patterns such as runs/* resolved in the working directory."""
    calls = []
    for part in line.split(" && "):
        words = shlex.split(part.partition(" > ")[0])
        if words[0] == "make":
            _refuse_unknown_targets(words[1:])
        elif words[0] == "python":
            assert Path(words[1]).is_file(), f"{line}: no {words[1]}"
        elif words[0] == "sbatch":
            script = next(place for place, word in enumerate(words) if word.endswith(".sbatch"))
            assert Path(words[script]).is_file(), f"{line}: no {words[script]}"
            calls.append(["train", *words[script + 1 :]])
        elif "sdm-bench" in words[:6] and words[0] in ("sdm-bench", "torchrun"):
            calls.append(_resolved(words[words.index("sdm-bench") + 1 :]))
        else:
            assert words[0] in OTHERS, f"{line}: what is {words[0]}?"
    return calls


def _resolved(words: list[str]) -> list[str]:
    """Words with patterns as a shell resolves them: as they are where nothing fits."""
    return [path for word in words for path in (sorted(map(str, Path().glob(word))) if "*" in word else []) or [word]]


def _refuse_unknown_targets(targets: list[str]) -> None:
    known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets) <= set(known), f"make {targets}: Makefile has {known}"


def parse(arguments: list[str]) -> click.Context:
    """Parses a call as the program does, up to running it; raises click's errors for what it would refuse.

    The folder that it would write is made, for the calls that follow.
    """
    command: click.Command = main
    context = click.Context(main, info_name="sdm-bench")
    rest = list(arguments)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no command {name}", context)
        command = found
    parsed = command.make_context(command.name, rest, parent=context)
    _make_written(parsed.params)
    return parsed


def _make_written(params: dict[str, Any]) -> None:
    out, name = params.get("out"), params.get("name")
    if isinstance(out, Path) and not out.suffix:
        out.mkdir(parents=True, exist_ok=True)
    elif params.get("images") and name:
        Path(name).mkdir(exist_ok=True)
