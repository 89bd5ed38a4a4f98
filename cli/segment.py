"""sdm-bench segment"""

from typing import Any

import click

from cli.train import loop_options, preset_overrides, run_options

EXAMPLE = """\b
Example:
  sdm-bench segment train unet --dataset cityscapes --data DIR --preset toy --steps 2000 --out runs/unet
"""


@click.group(epilog=EXAMPLE)
def segment() -> None:
    """The evaluation segmenters."""


@segment.command(epilog=EXAMPLE)
@click.argument("name")
@run_options
def train(name: str, **chosen: Any) -> None:
    """Train the segmenter NAME on a dataset, then print its IoU on the real photographs of the val split.

    NAME: unet, drn-d-22, drn-d-105, upernet101 or deeplabv2-resnet101. Ctrl-C saves; the same command resumes.
    """
    from sdm_bench.commands.segment import held_out, table, train_segmenter
    from sdm_bench.errors import UserError
    from sdm_bench.progress import say

    loop, overrides, out = loop_options(chosen), preset_overrides(chosen), chosen.pop("out")
    train_segmenter(name, loop=loop, out=out, overrides=overrides, **chosen)
    try:
        click.echo(table(held_out(out, loop.device)))
    except UserError as error:
        say(f"warning: not measured on held-out photographs: {error.message}")
