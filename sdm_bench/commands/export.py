"""sdm-bench export"""

from pathlib import Path
from typing import Literal

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Example:
  sdm-bench export runs/sdm sdm.safetensors --bits 16
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("run", type=options.EXISTING_FOLDER)
@click.argument("file", type=options.FILE)
@click.option(
    "--bits",
    type=click.Choice([32, 16, 8]),
    default=32,
    show_default=True,
    help="Of a weight: 16 is float16; in 8, tensors are whole numbers with a scale a row.",
)
@click.option("--raw", is_flag=True, help="The trained weights rather than their average.")
def export(run: Path, file: Path, bits: Literal[32, 16, 8], raw: bool) -> None:
    """Pack the newest weights of RUN as FILE (.safetensors) and a JSON beside it that says how they were made."""
    from sdm_bench.base.files import refuse_unwritable
    from sdm_bench.checkpoints.stored import export_weights

    refuse_unwritable(file.parent, "FILE")

    click.echo(export_weights(run, file, bits, raw))
