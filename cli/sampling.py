"""The options that say which weights are sampled, and how."""

from typing import Any

import click

from cli import options

WEIGHTS_OPTIONS = (
    click.option("--method", help="The method of --checkpoint, where the file doesn't say."),
    click.option("--checkpoint", help="A weights file instead of a run; `toy` for the one that ships."),
    click.option("--preset", default="paper", show_default=True, help="What a bare state dict is of."),
    options.dataset,
    options.data,
    options.split,
)
SOLVER_OPTIONS = (
    click.option("--solver", help="ddpm or ddim (default: the preset's)."),
    click.option("--solver-steps", type=click.IntRange(min=2), help="Network evaluations a sample."),
    click.option(
        "--guidance",
        type=float,
        help="Scale s of the released code; none up to 1. The paper's formula counts one less.",
    ),
    click.option("--eta", type=click.FloatRange(0, 1), help="DDIM's share of fresh noise."),
    click.option("--seeds", type=options.Seeds(), default="0", show_default=True, help="Like 0-2 or 0,4."),
    click.option("--variant", default="", help="What the tables call this ablation of the method."),
    click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True),
)


def sampling_options(command: Any) -> Any:
    """Adds the options of weights and solver."""
    for option in reversed(WEIGHTS_OPTIONS + SOLVER_OPTIONS):
        command = option(command)
    return command


def take_sampling(chosen: dict[str, Any], run: Any) -> dict[str, Any]:
    """Takes these options out of a command's as arguments of `generate_samples`, all but where samples go."""
    from sdm_bench.commands.generate import Source, Where
    from sdm_bench.synthesizers import SamplingOptions

    def take(*names: str) -> list[Any]:
        return [chosen.pop(name) for name in names]

    return {
        "source": Source(run, *take("method", "checkpoint", "preset")),
        "where": Where(*take("dataset", "data", "split")),
        "sampling": SamplingOptions(*take("solver", "solver_steps", "guidance", "eta")),
        **{name: chosen.pop(name) for name in ("seeds", "variant", "batch_size")},
        "command": options.command_line(),
    }
