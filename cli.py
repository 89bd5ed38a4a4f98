"""The group of commands: names, one-line helps, and the module of each, which is imported when it is called."""

from importlib import import_module
from typing import Any

import click

from sdm_bench import __version__
from sdm_bench.base.errors import errors_in_a_line

# By name: the module in sdm_bench/commands, which has a command of that name, and its one-line help.
COMMANDS = {
    "benchmark": "Measure what sampling and evaluation cost.",
    "completion": "A script for bash, zsh or fish that completes commands and names.",
    "data": "List, prepare, verify datasets; render toy scenes.",
    "difference": "In what sets of pictures differ, with intervals over their label maps.",
    "doctor": "What is here, what is missing, and the command that mends it.",
    "edit": "Erase and remake a part of a picture, as an edited label map says.",
    "evaluate": "Measure samples, or a folder of pictures, under a named protocol.",
    "explain": "Where a number came from, down to weights, pictures and versions.",
    "export": "Pack a training run's weights as one file that others can load.",
    "generate": "Sample a trained method on a split's label maps.",
    "leaderboard": "Check bundles of results, and make the leaderboard's pages of them.",
    "methods": "List what can be trained or loaded, with sizes and licences.",
    "protocols": "What numbers mean: list, show and compare the named protocols.",
    "report": "Tables and a picture grid from the results of runs.",
    "run": "A whole table of experiments: everything that its suite still needs.",
    "segment": "Train the evaluation segmenters.",
    "stats": "Write and import the statistics that FID compares with.",
    "study": "A user study: build its page, serve it, tally the answers.",
    "submit": "A bundle of results that others can check, for a leaderboard.",
    "suite": "Suites: list, show, status, single cells, export, adopt.",
    "train": "Train a method on a dataset; the same command resumes.",
    "weights": "List, fetch, import and verify published weights.",
}
EXAMPLE = """\b
Examples:
  sdm-bench run demo
  sdm-bench train sdm --dataset cityscapes --data DIR --preset toy --steps 5000 --out runs/sdm
  sdm-bench generate runs/sdm --seeds 0-2
  sdm-bench evaluate runs/sdm --metric fid --metric lpips
  sdm-bench report runs/* --out report
"""


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps, and imports a command when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        with errors_in_a_line():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return getattr(import_module(f"sdm_bench.commands.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyGroup, epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(__version__, prog_name="sdm-bench")
def main() -> None:
    """The benchmark of semantic image synthesis: train or load, sample, measure under named protocols.

    Exit codes: 0 done, 1 something failed (listed), 2 wrong usage, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    from sdm_bench.base.signals import ending_on_signals

    click.get_current_context().with_resource(ending_on_signals())


if __name__ == "__main__":
    main()
