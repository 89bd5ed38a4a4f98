"""Options, one call into a room below, the exit code. A command's module is imported when the command is used."""

import os
from importlib import import_module

import click

from sdm_bench import __version__

# Threads that spin while they wait make torch some fifteen times slower once another program uses one of the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMMANDS = {
    "benchmark": ("cli.benchmark:benchmark", "Measure what sampling and evaluation cost."),
    "data": ("cli.data:data", "List, prepare, verify datasets; render toy scenes."),
    "demo": ("cli.demo:demo", "The whole walk on the toy scenes: sample, measure, tables, pictures."),
    "evaluate": ("cli.evaluate:evaluate", "Measure samples, or a folder of pictures, under a named protocol."),
    "explain": ("cli.explain:explain", "Where a number came from, down to weights, pictures and versions."),
    "export": ("cli.export:export", "Pack a training run's weights as one file that others can load."),
    "generate": ("cli.generate:generate", "Sample a trained method on a split's label maps."),
    "methods": ("cli.methods:methods", "List what can be trained or loaded, with sizes and licences."),
    "protocols": ("cli.protocols:protocols", "What numbers mean: list, show and compare the named protocols."),
    "report": ("cli.report:report", "Tables and a picture grid from the results of runs."),
    "segment": ("cli.segment:segment", "Train the evaluation segmenters."),
    "stats": ("cli.stats:stats", "Write and take the statistics that FID compares with."),
    "train": ("cli.train:train", "Train a method on a dataset; the same command resumes."),
    "weights": ("cli.weights:weights", "List, fetch, import and verify published weights."),
}
EXAMPLE = """\b
Examples:
  sdm-bench demo
  sdm-bench train sdm --dataset cityscapes --data DIR --preset toy --steps 5000 --out runs/sdm
  sdm-bench generate runs/sdm --seeds 0-2
  sdm-bench evaluate runs/sdm --metric fid --metric lpips
  sdm-bench report runs/* --out report
"""


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps, and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        return getattr(import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sdm-bench")
def main() -> None:
    """The benchmark of semantic image synthesis: train or load, sample, measure under named protocols.

    Exit codes: 0 done, 1 some cells failed (listed), 2 wrong usage.
    """
