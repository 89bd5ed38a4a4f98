"""sdm-bench protocols"""

import click

from sdm_bench.commands import completed_names, options

EXAMPLE = """\b
Examples:
  sdm-bench protocols list
  sdm-bench protocols show sdm@1
  sdm-bench protocols diff sdm@1 sdm-bench@1
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def protocols() -> None:
    """What numbers mean: list, show and compare the named protocols."""


@protocols.command("list", epilog="\b\nExample:\n  sdm-bench protocols list\n")
def list_protocols() -> None:
    """Every protocol and the datasets it covers; ? marks those for which a source leaves something open."""
    from sdm_bench.evaluation.protocol_text import describe_all

    click.echo(describe_all())


@protocols.command(epilog="\b\nExample:\n  sdm-bench protocols show sdm@1\n")
@click.argument("name", shell_complete=completed_names.protocols)
def show(name: str) -> None:
    """Everything that the protocol NAME fixes, as YAML."""
    from sdm_bench.evaluation.protocol_text import show as show_protocol

    click.echo(show_protocol(name))


@protocols.command(epilog="\b\nExample:\n  sdm-bench protocols diff sdm@1 sdm-bench@1\n")
@click.argument("first", shell_complete=completed_names.protocols)
@click.argument("second", shell_complete=completed_names.protocols)
def diff(first: str, second: str) -> None:
    """The fields in which the protocols FIRST and SECOND differ, and on which datasets."""
    from sdm_bench.evaluation.protocol_text import differences

    for each in differences(first, second):
        click.echo(f"{each.metric}.{each.field} ({', '.join(each.datasets)})")
        click.echo(f"  {first}: {each.first}")
        click.echo(f"  {second}: {each.second}")
