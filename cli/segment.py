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
    """Train the segmenter NAME on a dataset. Ctrl-C saves; the same command resumes.

    NAME: unet, unet-lite, drn-d-22, drn-d-105, upernet101 or deeplabv2-resnet101.
    """
    from segmenters.training import resolve, run_segmenter_training

    loop, overrides, out = loop_options(chosen), preset_overrides(chosen), chosen.pop("out")
    resolved = resolve(
        name, chosen.pop("dataset"), chosen.pop("data"), chosen.pop("preset"), overrides=overrides, **chosen
    )
    run_segmenter_training(resolved, loop, out)
