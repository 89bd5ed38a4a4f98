"""sdm-bench methods"""

import click

from sdm_bench.commands import options


@click.group(cls=options.Group, epilog="\b\nExamples:\n  sdm-bench methods list\n  sdm-bench methods show sdm\n")
def methods() -> None:
    """List what can be trained or loaded."""


@methods.command("list", epilog="\b\nExample:\n  sdm-bench methods list\n")
def list_methods() -> None:
    """Every method: its kind, presets and sizes, the licence of the original, where its released weights are."""
    from sdm_bench.checkpoints.overview import describe_methods

    for described in describe_methods():
        method = described.method
        click.echo(f"{method.name}: {method.title}; {method.kind}; stochastic: {described.stochastic}")
        for dataset, names in described.presets.items():
            size = f"; {described.millions[dataset]:.1f} M parameters" if dataset in described.millions else ""
            click.echo(f"  {dataset}: {', '.join(names)}{size}")
        click.echo(f"  original: {method.original}; licence: {method.license}")
        click.echo(f"  released weights: {method.released or 'none'}")


@methods.command("show", epilog="\b\nExample:\n  sdm-bench methods show sdm\n")
@click.argument("method")
def show_method(method: str) -> None:
    """What METHOD's paper says, what its authors' code does, and what is done here, each with its source."""
    from sdm_bench.models import methods as known
    from sdm_bench.models.paper_and_code import described

    about = known.method(method)
    click.echo(f"{about.title}: {about.original}; licence: {about.license}")
    for line in described(method):
        click.echo(line)
