"""sdm-bench evaluate"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import completed_names, options
from sdm_bench.commands.generate import generate
from sdm_bench.evaluation.metric import metric_names

EXAMPLE = """\b
Examples:
  sdm-bench evaluate runs/sdm --metric fid --metric lpips --metric miou --segmenter runs/unet
  sdm-bench evaluate runs/sdm --metric miou --protocol all
  sdm-bench evaluate runs/sdm --metric fid --seeds 0-1
  sdm-bench evaluate --images theirs --name method --dataset cityscapes --data DIR --metric fid
  sdm-bench evaluate --images 'out/group_{sample}/{id}.png' --dataset ade20k --data DIR --metric lpips
  sdm-bench evaluate --images first --images second --name method --dataset ade20k --data DIR --metric lpips

\b
A folder may be flat or nested, or hold a folder a sample (seed-000, group_0). Names may have anything
around the id (_fake_B, _leftImg8bit). The program says what it recognised and lists what fits no label map.
"""


class EvaluateCommand(options.Command):
    """Says where the options are that make samples."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if any(error.option_name in each.opts for each in generate.params):
                raise click.UsageError(
                    f"No such option '{error.option_name}'. evaluate measures what is there; make samples with "
                    f"`sdm-bench generate ... {error.option_name}` first.",
                    ctx,
                ) from error
            raise


@click.command(cls=EvaluateCommand, epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@click.option(
    "--images",
    multiple=True,
    metavar="PLACE",
    help="Somebody's pictures instead of a run: a folder, a pattern like 'out/{id}_{sample}.png', or an .npz or .npy. "
    "Repeatable: each is one sample of every label map.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    required=True,
    shell_complete=completed_names.metrics,
    help=f"{', '.join(metric_names())}; repeatable.",
)
@click.option(
    "--protocol",
    default="sdm-bench@1",
    show_default=True,
    shell_complete=completed_names.protocols,
    help="Its name, or all.",
)
@options.dataset
@options.data
@click.option("--split", help="Which split's label maps (default: the run's, or val of --images).")
@click.option("--seeds", type=options.IntegerList(), help="Of what is there (default: all), like 0-2 or 0,4.")
@click.option(
    "--segmenter",
    help="For miou, no default: a run, a weights file, a name of `weights list`, toy, an architecture's own file as "
    "drn-c-26:FILE.pth, or mmseg:CONFIG.py,WEIGHTS.pth. "
    "Warning: the configuration is a Python file and is executed.",
)
@click.option(
    "--predictions", type=options.FOLDER, help="For miou: where predictions are kept and taken from (default: nowhere)."
)
@click.option("--statistics", help="For fid: a file, folder or name of `stats import` (default: the photographs).")
@click.option(
    "--fd-infinity", is_flag=True, help="For fid: FD-infinity of fewer than 2,048 pictures too, whose bias remains."
)
@click.option(
    "--captions",
    type=options.FILE,
    help="For clip_score (no default): JSON {id: caption}, JSONL of id and caption, or CSV, one a label map.",
)
@click.option("--name", metavar="METHOD", help="What tables call the pictures of --images (default: their folder).")
@click.option(
    "--resolution-note", metavar="TEXT", help="What tables say of the resolution of --images (default: nothing)."
)
@click.option(
    "--track",
    type=click.Choice(["labels", "text"]),
    help="What --images come of: label maps alone (default), or a text-to-image prior. Never ranked together.",
)
@click.option(
    "--by-order",
    is_flag=True,
    help="Numbers in the names of --images are places in the order of the split's sorted ids. Nothing can check that.",
)
@click.option(
    "--allow-incomplete",
    is_flag=True,
    help="Measure the label maps that have a picture, where some are missing, too many or there twice. Rows say so.",
)
@click.option(
    "--out",
    type=options.FILE,
    help="The CSV of the rows, which are added (default: RUN/results.csv; METHOD/results.csv for --images).",
)
@options.device
def evaluate(dataset: str | None, data: Path | None, split: str | None, **chosen: Any) -> None:
    """Measure the samples of RUN, or --images, and print the numbers. `sdm-bench generate` makes samples."""
    from sdm_bench.base.processes import is_first
    from sdm_bench.base.progress import say

    chosen["images"] = chosen["images"] or None
    what = chosen["run"] or ", ".join(chosen["images"] or ())
    if what and is_first():
        # said before the imports below, which take seconds
        say(f"measuring {', '.join(chosen['metrics'])} of {what}")
    from reports.terminal import evaluation_text
    from sdm_bench.base.errors import PartialFailure
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.evaluation.evaluate import Evaluation
    from sdm_bench.evaluation.evaluate import evaluate as measure

    where = DatasetSplit(dataset, data, split)
    rows, failures = measure(Evaluation(where=where, command=options.command_line(), **chosen))
    if rows and is_first():
        click.echo(evaluation_text(rows))
    if failures:
        raise PartialFailure("not computed:\n" + "\n".join(f"  {line}" for line in failures))
