"""sdm-bench train"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import completed_names, options
from sdm_bench.commands.process_options import TRAINING_OPTIONS, take_network, take_process

EXAMPLE = """\b
Examples:
  sdm-bench train sdm --dataset cityscapes --data DIR --preset toy --steps 5000 --out runs/sdm
  sdm-bench train sdm --dataset cityscapes --data DIR --preset toy --init runs/sdm --condition-dropout 0.2 \\
      --steps 1000 --out runs/sdm-finetuned
"""

RUN_OPTIONS = (
    click.option(
        "--dataset", required=True, metavar="NAME", shell_complete=completed_names.datasets, help=f"{options.DATASETS}."
    ),
    click.option(
        "--data", required=True, type=options.EXISTING_FOLDER, help="The dataset's root, in its official layout."
    ),
    click.option("--preset", default="toy", show_default=True, help="paper or toy."),
    click.option(
        "--image-size", type=options.ShortSideOrSize(), help="Short side, or WIDTHxHEIGHT (default: the preset's)."
    ),
    click.option(
        "--steps",
        type=click.IntRange(min=1),
        help="Steps in all, resumed ones included, which a rate decays over (default: no limit).",
    ),
    click.option(
        "--budget",
        type=click.FloatRange(min=0, min_open=True),
        metavar="MINUTES",
        help="Time in all; alone, a rate decays over it (default: no limit).",
    ),
    click.option(
        "--core-budget",
        type=click.FloatRange(min=0, min_open=True),
        metavar="MINUTES",
        help="The same of CPU time, over all threads and processes: alike for methods that use the cores differently "
        "(default: no limit).",
    ),
    click.option("--out", required=True, type=options.OUT, help="The run's folder; the same command resumes it."),
    click.option(
        "--init",
        type=click.Path(exists=True, path_type=Path),
        help="Start from a run's or a file's weights (default: drawn from the seed).",
    ),
    click.option("--batch-size", type=click.IntRange(min=1), help="Over all processes (default: the preset's)."),
    click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="Default: the preset's."),
    click.option("--accumulate", type=click.IntRange(min=1), default=1, show_default=True, help="Batches a step."),
    click.option(
        "--precision", type=click.Choice(["no", "bf16", "fp16"]), default="no", show_default=True, help="Autocast."
    ),
    click.option("--gradient-checkpointing", is_flag=True, help="Less memory, more time; diffusion models."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of weights, order and noise."),
    click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True, help="Loader processes."),
    click.option(
        "--log-every",
        type=click.IntRange(min=1),
        default=50,
        show_default=True,
        metavar="STEPS",
        help="Between lines of stats.jsonl.",
    ),
    click.option(
        "--save-every",
        type=click.IntRange(min=1),
        default=1000,
        show_default=True,
        metavar="STEPS",
        help="Between checkpoints.",
    ),
    click.option(
        "--grid-every",
        type=click.IntRange(min=1),
        default=1000,
        show_default=True,
        metavar="STEPS",
        help="Between sample grids.",
    ),
    options.device,
)
run_options = options.with_options(*RUN_OPTIONS)


def loop_options(chosen: dict[str, Any]) -> Any:
    """Takes the options of the loop out of a command's options."""
    from sdm_bench.training.loop import LoopOptions

    budget, core_budget = chosen.pop("budget"), chosen.pop("core_budget")
    if budget is not None and core_budget is not None:
        raise click.UsageError("--budget and --core-budget: time and CPU time; expected one of them")
    if chosen["steps"] is None and budget is None and core_budget is None:
        raise click.UsageError("how long? Give --steps, --budget or --core-budget, or --steps with one of them")
    names = ("steps", "log_every", "save_every", "grid_every", "workers", "device", "gradient_checkpointing")
    named = {name: chosen.pop(name) for name in names}
    return LoopOptions(budget_minutes=budget, core_budget_minutes=core_budget, **named)


def preset_overrides(chosen: dict[str, Any]) -> dict[str, Any]:
    """Takes what replaces the preset's training section out of a command's options."""
    asked = {name: chosen.pop(name) for name in ("batch_size", "learning_rate")}
    return {name: value for name, value in asked.items() if value is not None}


def known_method(_context: click.Context, _parameter: click.Parameter, method: str) -> str:
    """The method; raises UserError for another name, before options that it would need are asked for."""
    from sdm_bench.models import methods

    return methods.method(method).name


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("method", callback=known_method, is_eager=True, shell_complete=completed_names.methods)
@run_options
@click.option(
    "--condition-dropout",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of samples trained without their label map; 0.2 makes guidance possible.",
)
@click.option(
    "--timestep-sampler",
    type=click.Choice(["uniform", "loss-second-moment"]),
    default="uniform",
    show_default=True,
    help="Of diffusion models: all timesteps alike, or more often those with large losses.",
)
@click.option(
    "--perceptual",
    type=click.Choice(["vgg19", "lpips-vgg", "none"]),
    help="Of GANs: the network of their perceptual loss, in the cache of weights; lpips-vgg is a substitute that the "
    "tables name (default: vgg19 where it is in the cache, else none).",
)
@options.with_options(*TRAINING_OPTIONS)
def train(method: str, **chosen: Any) -> None:
    """Train METHOD (`methods list` shows them) on a dataset. Ctrl-C saves; the same command resumes."""
    from sdm_bench.training.recipes import train_method

    loop, overrides = loop_options(chosen), preset_overrides(chosen)
    network, process = take_network(chosen), take_process(chosen, "timestep_respacing", "loss")
    train_method(method, loop=loop, overrides=overrides, network=network, diffusion=process, **chosen)
