"""sdm-bench evaluate"""

from pathlib import Path
from typing import Any

import click

from cli import options

EXAMPLE = """\b
Examples:
  sdm-bench evaluate runs/sdm --metric fid --metric lpips --metric miou --segmenter runs/unet
  sdm-bench evaluate --images somebody-elses-pngs --dataset cityscapes --data DIR --metric fid
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@click.option("--images", type=options.EXISTING_FOLDER, help="A flat folder of pictures instead of a run.")
@click.option("--metric", "metrics", multiple=True, required=True, help="fid, lpips or miou; repeatable.")
@click.option("--protocol", "protocol_name", default="sdm-bench@1", show_default=True, help="What the numbers mean.")
@click.option("--segmenter", help="For miou: a run, a weights file, a name of `weights list`, or toy.")
@options.dataset
@options.data
@options.split
@click.option("--name", help="What the tables call the pictures of --images (default: the folder's name).")
@click.option("--out", type=options.FILE, help="The CSV the rows are added to (default: RUN/results.csv).")
@options.device
def evaluate(
    run: Path | None, dataset: str | None, data: Path | None, split: str, metrics: tuple[str, ...], **chosen: Any
) -> None:
    """Measure the samples of RUN, or --images, and print the numbers."""
    from sdm_bench.commands.evaluate import evaluate_samples, summary
    from sdm_bench.commands.generate import Where
    from sdm_bench.errors import PartialFailure

    rows, failures = evaluate_samples(metrics, run, where=Where(dataset, data, split), **chosen)
    if rows:
        click.echo(summary(rows))
    if failures:
        raise PartialFailure("not computed:\n" + "\n".join(f"  {line}" for line in failures))
