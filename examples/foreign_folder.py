"""Measures somebody's folder of pictures and prints the table as LaTeX.

    python examples/foreign_folder.py THEIR_PICTURES cityscapes DIR

There is one picture for each label map of the split `val`; names may have anything around the ids. Nothing is written.
"""

import click

import sdm_bench as sb


@click.command()
@click.argument("pictures")
@click.argument("dataset")
@click.argument("data")
@click.option(
    "--metric", "metrics", multiple=True, default=("fid",), show_default=True, help="fid, kid, ...; repeatable."
)
@click.option("--protocol", default="sdm-bench@1", show_default=True, help="What the numbers mean.")
def main(pictures: str, dataset: str, data: str, metrics: tuple[str, ...], protocol: str) -> None:
    """Measure PICTURES, made of the label maps of DATASET below DATA."""
    scenes = sb.datasets.open(dataset, data)
    print(sb.evaluate(pictures, scenes, metrics, protocol).to_latex())


if __name__ == "__main__":
    main()
