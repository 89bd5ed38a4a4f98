"""sdm-bench difference"""

from pathlib import Path

import click

from sdm_bench.commands import completed_names, options

EXAMPLE = """\b
Examples:
  sdm-bench difference runs/sdm-concat runs/sdm --metric fid --metric miou --segmenter runs/unet
  sdm-bench difference runs/spade theirs --metric fid --dataset cityscapes --data DIR --out difference.csv
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("places", nargs=-1, required=True, type=options.EXISTING)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    required=True,
    type=click.Choice(["fid", "lpips", "miou"]),
    help="Repeatable; no default.",
)
@click.option(
    "--protocol",
    default="sdm-bench@1",
    show_default=True,
    shell_complete=completed_names.protocols,
    help="Its name.",
)
@options.dataset
@options.data
@click.option("--split", help="Which split's label maps (default: the run's, or val of pictures).")
@click.option("--seeds", type=options.IntegerList(), help="Of what is there (default: all), like 0-2 or 0,4.")
@click.option("--segmenter", help="For miou, as `evaluate` takes it (default: the protocol's).")
@click.option(
    "--resamples",
    type=click.IntRange(min=50),
    default=200,
    show_default=True,
    help="Of the bootstrap; the interval's ends have about 5 % of its length as error with 200.",
)
@click.option("--out", type=options.FILE, help="A new CSV of the table (default: it is printed alone).")
@options.device
def difference(
    places: tuple[Path, ...],
    metrics: tuple[str, ...],
    protocol: str,
    dataset: str | None,
    data: Path | None,
    split: str | None,
    seeds: list[int] | None,
    segmenter: str | None,
    resamples: int,
    out: Path | None,
    device: str,
) -> None:
    """In what further PLACES differ from the first, with 95 % intervals.

    PLACES are runs' folders, or somebody's pictures, which need --dataset and --data. All are of the same label maps,
    which are resampled with replacement, for all PLACES alike. The interval says how the difference moves with other
    scenes of the kind. What another training moves is not in it; train with several seeds for that.
    """
    from reports.terminal import differences_frame
    from sdm_bench.base.errors import UserError
    from sdm_bench.base.files import refuse_unwritable, write_text
    from sdm_bench.base.processes import is_first
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.evaluation.differences import Comparison, differences
    from sdm_bench.evaluation.evaluate import Evaluation
    from sdm_bench.sampling.edit_folders import EditFolder
    from sdm_bench.sampling.folders import SampleFolder

    if out is not None:
        refuse_unwritable(out.parent, "--out")
        if out.exists():
            raise UserError(f"--out {out}: there already; delete it or choose another name")
    where = DatasetSplit(dataset, data, split)
    sets = [
        Evaluation(metrics, run=place, where=where, seeds=seeds)
        if SampleFolder(place).exists or EditFolder(place).exists
        else Evaluation(metrics, images=place, where=where, seeds=seeds)
        for place in places
    ]
    found = differences(Comparison(sets, metrics, protocol, segmenter, resamples, device=device))
    if not is_first():
        return
    frame = differences_frame(found)
    click.echo(frame.to_string(index=False))
    if out is not None:
        write_text(out, frame.to_csv(index=False))
