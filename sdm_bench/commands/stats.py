"""sdm-bench stats"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import completed_names, options

EXPORT_EXAMPLE = """\b
Examples:
  sdm-bench stats export ade20k-val.npz --dataset ade20k --data DIR
  sdm-bench stats export theirs.npz --images FOLDER
"""
IMPORT_EXAMPLE = """\b
Examples:
  sdm-bench stats import train_mu_si/ade20k inade-ade20k --resize legacy_pytorch
  sdm-bench evaluate runs/inade --metric fid --protocol inade@1 --statistics inade-ade20k
"""


@click.group(cls=options.Group, epilog=EXPORT_EXAMPLE)
def stats() -> None:
    """Reference statistics for FID: write them, or import them in the format of clean-fid, pytorch-fid or INADE."""


@stats.command("export", epilog=EXPORT_EXAMPLE)
@click.argument("out", type=options.FILE)
@click.option(
    "--images", type=options.EXISTING_FOLDER, help="A flat folder of pictures (default: a dataset's photographs)."
)
@options.dataset
@options.data
@click.option("--split", help="Which split's photographs (default: val).")
@click.option("--image-size", type=click.IntRange(min=1), help="Short side of photographs (default: the papers').")
@click.option(
    "--protocol",
    "protocol_name",
    default="sdm-bench@1",
    show_default=True,
    shell_complete=completed_names.protocols,
    help="Extractor and resizing.",
)
@options.device
def export(out: Path, dataset: str | None, data: Path | None, split: str | None, **chosen: Any) -> None:
    """Write mean and covariance of features to OUT, a new .npz that pytorch-fid and clean-fid read too."""
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.evaluation.statistics import describe, export_statistics

    found = export_statistics(out, where=DatasetSplit(dataset, data, split), **chosen)
    _print(describe(found))


@stats.command("import", epilog=IMPORT_EXAMPLE)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.argument("name")
@click.option("--extractor", default="inception-2015-12-05", show_default=True, help="Network of the features.")
@click.option(
    "--resize",
    type=click.Choice(["clean", "legacy_pytorch", "sdm", "tf1"]),
    required=True,
    help="How pictures were resized.",
)
@click.option("--count", type=click.IntRange(min=1), help="Of how many images they are (default: what PATH says).")
def import_(path: Path, name: str, extractor: str, resize: str, count: int | None) -> None:
    """Keep PATH, an .npz with mu and sigma or a folder with m.npy and s.npy, in the cache as NAME."""
    from sdm_bench.evaluation.statistics import import_statistics

    click.echo(import_statistics(path, name, {"extractor": extractor, "resize": resize}, count))


@stats.command(epilog="\b\nExample:\n  sdm-bench stats show ade20k-val.npz\n")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def show(path: Path) -> None:
    """What PATH says of itself."""
    from sdm_bench.evaluation.statistics import describe
    from sdm_bench.metrics.statistics_files import read_statistics

    _print(describe(read_statistics(path)))


def _print(about: dict[str, Any]) -> None:
    for name, value in about.items():
        click.echo(f"{name}: {value}")
