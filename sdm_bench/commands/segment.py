"""sdm-bench segment"""

from typing import Any

import click

from sdm_bench.commands import options
from sdm_bench.commands.process_options import PROCESS_OPTIONS, take_noise
from sdm_bench.commands.train import loop_options, preset_overrides, run_options

EXAMPLE = """\b
Example:
  sdm-bench segment train unet --dataset cityscapes --data DIR --preset toy --steps 2000 --out runs/unet
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def segment() -> None:
    """The evaluation segmenters."""


@segment.command(epilog=EXAMPLE)
@click.argument("name")
@run_options
@click.option("--noisy", is_flag=True, help="Of noisy pictures, for `generate --guidance-by segmenter`; unet takes it.")
@options.with_options(*PROCESS_OPTIONS[:2])
def train(name: str, **chosen: Any) -> None:
    """Train the segmenter NAME on a dataset, then print its IoU on the real photographs of the val split.

    With --noisy it is trained on pictures with the noise of SDM's preset (--noise-schedule, --diffusion-steps: another
    one), to guide diffusion models; nothing is printed then.

    NAME: unet, drn-c-26, drn-c-42, drn-c-58, drn-d-22, drn-d-105, upernet101 or deeplabv2-resnet101. Ctrl-C saves;
    the same command resumes.
    """
    from sdm_bench.base.errors import UserError
    from sdm_bench.base.processes import is_first
    from sdm_bench.base.progress import say
    from sdm_bench.evaluation.held_out import held_out, held_out_table
    from sdm_bench.training.segmenters import train_segmenter

    loop, overrides, out = loop_options(chosen), preset_overrides(chosen), chosen.pop("out")
    process = take_noise(chosen)
    train_segmenter(name, loop=loop, out=out, overrides=overrides, process=process, **chosen)
    if chosen["noisy"]:
        return
    try:
        found = held_out(out, loop.device)
    except UserError as error:
        say(f"warning: not measured on held-out photographs: {error.message}")
    else:
        if is_first():
            click.echo(held_out_table(found))
