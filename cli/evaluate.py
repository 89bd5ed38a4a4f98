"""sdm-bench evaluate"""

from pathlib import Path
from typing import Any

import click

from cli import options
from cli.sampling import sampling_options, take_sampling

EXAMPLE = """\b
Examples:
  sdm-bench evaluate runs/sdm --metric fid --metric lpips --metric miou --segmenter runs/unet
  sdm-bench evaluate runs/sdm --metric miou --protocol all
  sdm-bench evaluate --images somebody-elses-pngs --dataset cityscapes --data DIR --metric fid
  sdm-bench evaluate --method sdm --checkpoint toy --data DIR --seeds 0-1 --metric lpips --samples runs/toy
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@click.option("--images", type=options.EXISTING_FOLDER, help="A flat folder of pictures instead of a run.")
@click.option("--metric", "metrics", multiple=True, required=True, help="fid, lpips or miou; repeatable.")
@click.option("--protocol", "protocol_name", default="sdm-bench@1", show_default=True, help="Its name, or all.")
@click.option(
    "--segmenter",
    help="For miou: a run, a weights file, a name of `weights list`, mmseg:CONFIG.py,WEIGHTS.pth, or toy.",
)
@click.option("--predictions", type=options.FOLDER, help="For miou: where predictions are kept and taken from.")
@click.option("--statistics", help="For fid, in place of photographs: a file or folder, or a name of `stats import`.")
@click.option("--name", help="What the tables call the pictures of --images (default: the folder's name).")
@click.option("--out", type=options.FILE, help="The CSV the rows are added to (default: RUN/results.csv).")
@click.option("--samples", type=options.FOLDER, help="Where --checkpoint is sampled into before it is measured.")
@sampling_options
@options.device
def evaluate(run: Path | None, images: Path | None, samples: Path | None, **chosen: Any) -> None:
    """Measure the samples of RUN, or --images, or those that --checkpoint makes first, and print the numbers."""
    from sdm_bench.commands.evaluate import check_before_sampling, evaluate_samples, sensitivity, summary
    from sdm_bench.commands.generate import generate_samples
    from sdm_bench.errors import PartialFailure
    from sdm_bench.processes import is_first
    from sdm_bench.protocols.catalog import ALL

    sampling = take_sampling(chosen, None)
    if sampling["source"].checkpoint is not None and run is None and images is None:
        if samples is None:
            raise click.UsageError("--checkpoint is sampled first: say where to with --samples")
        check_before_sampling(chosen["metrics"], chosen["protocol_name"])
        run = generate_samples(**sampling, out=samples, device=chosen["device"])
    about = {"where": sampling["where"], "command": options.command_line()}
    rows, failures = evaluate_samples(run=run, images=images, **about, **chosen)
    if rows and is_first():
        click.echo(sensitivity(rows) if chosen["protocol_name"] == ALL else summary(rows))
    if failures:
        raise PartialFailure("not computed:\n" + "\n".join(f"  {line}" for line in failures))
