"""sdm-bench data"""

from pathlib import Path

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench data list
  sdm-bench data verify celebamask_hq DIR
  sdm-bench data toy cityscapes toy/cityscapes --train 400 --val 100 --size 128x64
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def data() -> None:
    """List, prepare and verify datasets; render toy scenes."""


@data.command("list", epilog="\b\nExample:\n  sdm-bench data list\n")
def list_datasets() -> None:
    """Every dataset with its classes, size and expected layout."""
    from sdm_bench.datasets.known_datasets import describe

    for line in describe():
        click.echo(line)


@data.command(epilog="\b\nExample:\n  sdm-bench data init folder DIR\n")
@click.argument("name", type=click.Choice(["folder"]))
@click.argument("root", type=options.EXISTING_FOLDER)
def init(name: str, root: Path) -> None:
    """Write a classes.yaml into ROOT, a dataset of your own, from the ids or colours that its label maps hold."""
    from sdm_bench.datasets.init_folder import init_folder

    for line in init_folder(root):
        click.echo(line)


@data.command(epilog="\b\nExample:\n  sdm-bench data verify celebamask_hq DIR\n")
@click.argument("name")
@click.argument("root", type=options.EXISTING_FOLDER)
def verify(name: str, root: Path) -> None:
    """Read everything of the dataset NAME below ROOT and report what is wrong, all at once. Exits 1 if anything is."""
    from sdm_bench.datasets.verify import verify as verify_dataset

    report = verify_dataset(name, root)
    for line in report.lines():
        click.echo(line)
    if not report.ok:
        raise SystemExit(1)


@data.command(
    epilog="""\b
Examples:
  sdm-bench data prepare celebamask_hq CelebAMask-HQ prepared --split-rule index-28000
  sdm-bench data prepare coco_stuff DIR converted --encoding 171
"""
)
@click.argument("name")
@click.argument("source", type=options.EXISTING_FOLDER)
@click.argument("out", type=options.OUT)
@click.option(
    "--split-rule", help="celebamask_hq: index-28000 (SDM, SCDM) or celeba (the official partition); no default."
)
@click.option(
    "--encoding", metavar="NAME", help="What the label maps are: 171, 1-182, ... (default: what is recognised)."
)
def prepare(name: str, source: Path, out: Path, **chosen: str | None) -> None:
    """Prepare the dataset NAME in SOURCE into OUT; the same command resumes.

    CelebAMask-HQ's official release becomes folders of label maps. Label maps in another encoding than the dataset's,
    which `data verify` names, are converted. SOURCE stays as it is.
    """
    from sdm_bench.datasets.prepare import prepare as prepare_dataset

    options = {option: value for option, value in chosen.items() if value is not None}
    for line in prepare_dataset(name, source, out, **options).lines():
        click.echo(line)


@data.command(
    epilog="\b\nExample:\n  sdm-bench data toy cityscapes toy/cityscapes --train 400 --val 100 --size 128x64\n"
)
@click.argument("name")
@click.argument("out", type=options.OUT)
@click.option("--train", type=click.IntRange(min=0), default=200, show_default=True, help="Scenes of the train split.")
@click.option("--val", type=click.IntRange(min=0), default=50, show_default=True, help="Scenes of the val split.")
@click.option("--size", type=options.Size(), help="WIDTHxHEIGHT in pixels (default: 128 on the short side).")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all scenes.")
def toy(name: str, out: Path, train: int, val: int, size: tuple[int, int] | None, seed: int) -> None:
    """Render toy scenes of the dataset NAME into OUT, in its official layout and with its official ids."""
    from sdm_bench.datasets.base import size_at
    from sdm_bench.datasets.known_datasets import dataset_class
    from sdm_bench.toy import write_toy

    write_toy(name, out, {"train": train, "val": val}, size or size_at(dataset_class(name).native_size, 128), seed)
