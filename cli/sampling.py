"""The options that say which weights are sampled, and how."""

from collections.abc import Callable
from typing import Any

import click

from cli import options

WEIGHTS_OPTIONS = (
    click.option("--method", help="The method of --checkpoint, where the file doesn't say."),
    click.option(
        "--checkpoint",
        help="Instead of a run: a weights file, a released file, folder or archive as its authors packed it, or `toy`.",
    ),
    click.option("--preset", help="Of a released checkpoint (default: the one whose keys and shapes it has)."),
    click.option("--recipe", help="sdm, sdm-released or spade: how label maps are read (default: as in training)."),
    options.dataset,
    options.data,
    options.split,
)
STYLE_OPTION = click.option(
    "--style",
    type=click.Choice(["ground-truth"]),
    help="Of networks with an encoder: take the style of each example's own photograph, as some papers' scripts do, "
    "instead of drawing it. Every row says so.",
)
SOLVER_OPTIONS = (
    click.option("--solver", help="ddpm, ddim, dpm-solver++, dpm-solver++-sde or unipc (default: the preset's)."),
    click.option("--solver-steps", type=click.IntRange(min=2), help="Network evaluations a sample."),
    click.option(
        "--guidance",
        type=float,
        help="Scale s of the released code; none up to 1. The paper's formula counts one less.",
    ),
    click.option("--eta", type=click.FloatRange(0, 1), help="DDIM's share of fresh noise."),
    click.option("--threshold", help="Of x_0: clip (the default), none, dynamic, or dynamic-0.95 with its quantile."),
    click.option("--precision", type=click.Choice(["no", "bf16", "fp16"]), help="Autocast of the network."),
    click.option("--seeds", type=options.Seeds(), default="0", show_default=True, help="Like 0-2 or 0,4."),
    click.option("--variant", default="", help="What the tables call this ablation of the method."),
    click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True),
)
PATH_OPTION = click.option(
    "--path",
    type=click.Choice(["fast", "plain"]),
    default="fast",
    show_default=True,
    help="fast: one encoder pass for both branches of guidance, kept modulations. Same samples but for rounding.",
)
SPEED_OPTIONS = (
    click.option(
        "--spade-cache",
        type=click.Choice(["auto", "full", "shared", "off"]),
        default="auto",
        show_default=True,
        help="What of SDM's modulations is kept between steps: gamma and beta (full), the 128 channels before them "
        "(shared), nothing, or what fits half of the free memory (auto). `benchmark sampling` prints their sizes.",
    ),
    click.option("--channels-last", is_flag=True, help="Another memory layout, faster on some machines."),
    click.option("--compile", is_flag=True, help="torch.compile, for long runs on a GPU."),
)


def with_options(*added: Any) -> Callable[[Any], Any]:
    """A decorator that adds options in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(added):
            command = option(command)
        return command

    return decorate


sampling_options = with_options(*WEIGHTS_OPTIONS, STYLE_OPTION, *SOLVER_OPTIONS, PATH_OPTION, *SPEED_OPTIONS)
speed_options = with_options(*SPEED_OPTIONS)


def take_sampling(chosen: dict[str, Any], run: Any) -> dict[str, Any]:
    """Takes these options out of a command's as arguments of `generate_samples`, all but where samples go."""
    from sdm_bench.commands.generate import Source, Where
    from sdm_bench.synthesizers import SamplingOptions, Speed

    def take(*names: str) -> list[Any]:
        return [chosen.pop(name) for name in names]

    return {
        "source": Source(run, *take("method", "checkpoint", "preset")),
        "where": Where(*take("dataset", "data", "split")),
        "sampling": SamplingOptions(*take("solver", "solver_steps", "guidance", "eta", "threshold", "precision")),
        "speed": Speed(*take("path", "spade_cache", "channels_last", "compile")),
        **{name: chosen.pop(name) for name in ("seeds", "variant", "batch_size", "recipe", "style")},
        "command": options.command_line(),
    }
