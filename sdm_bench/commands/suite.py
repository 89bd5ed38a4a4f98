"""sdm-bench suite"""

from pathlib import Path

import click

from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench suite list
  sdm-bench suite show demo
  sdm-bench suite status demo
  sdm-bench suite cell KEY --out demo
"""
SHOW_EXAMPLE = "\b\nExample:\n  sdm-bench suite show paper-table1 --data ade20k=DIR\n"
STATUS_EXAMPLE = "\b\nExamples:\n  sdm-bench suite status demo\n  sdm-bench suite status toy --pretrained\n"
CELL_EXAMPLE = "\b\nExample:\n  sdm-bench suite cell data.cityscapes/0b0ee41e7d7d6b2c --out demo\n"
EXPORT_EXAMPLE = "\b\nExample:\n  sdm-bench suite export demo --snakemake && cd demo && snakemake --cores 1\n"
ADOPT_EXAMPLE = "\b\nExample:\n  sdm-bench suite adopt SUITE.yaml runs/sdm\n"

Roots = tuple[tuple[str, Path], ...]


@click.group(cls=options.Group, epilog=EXAMPLE)
def suite() -> None:
    """Suites: whole tables of experiments in a short YAML. `sdm-bench run` does one."""


@suite.command("list", epilog="\b\nExample:\n  sdm-bench suite list\n")
def list_suites() -> None:
    """The suites that come with the program."""
    from sdm_bench.suites.suite import read_suite, shipped_suites

    for name, path in shipped_suites().items():
        click.echo(f"{name}: {' '.join(read_suite(path)[0].summary.split())}")


@suite.command(epilog=SHOW_EXAMPLE)
@suite_options.suite
@suite_options.roots
@suite_options.pretrained
def show(suite: Path, roots: Roots, pretrained: bool) -> None:
    """The plan of SUITE: every cell with its key, what it does and what it needs."""
    from sdm_bench.suites.plan import make_plan
    from sdm_bench.suites.show import plan_text

    click.echo("\n".join(plan_text(make_plan(suite, dict(roots), pretrained))))


@suite.command(epilog=STATUS_EXAMPLE)
@suite_options.suite
@suite_options.out
@suite_options.roots
@suite_options.pretrained
@options.device
def status(suite: Path, out: Path | None, roots: Roots, pretrained: bool, device: str) -> None:
    """Cells of SUITE by state; why cells failed, with the end of their logs; what would run next."""
    from sdm_bench.suites.run import planned_suite
    from sdm_bench.suites.show import status_text

    planned = planned_suite(suite, out, dict(roots), device=device, shipped=pretrained)
    click.echo("\n".join(status_text(planned)))


@suite.command(epilog=CELL_EXAMPLE)
@click.argument("key")
@click.option("--out", type=options.EXISTING_FOLDER, default=".", show_default=True, help="The suite's folder.")
@options.device
def cell(key: str, out: Path, device: str) -> None:
    """Do one planned cell: KEY, its beginning, or NAME/KEY. Exits 1 if it fails; its log and result say why."""
    from sdm_bench.base.progress import say
    from sdm_bench.suites.cells import LOG_FILE, read_cell
    from sdm_bench.suites.execute import execute

    found, folder = read_cell(out, key), out.absolute()
    code = execute(found, folder, device)
    if code:
        say(f"{found.name}: {'failed' if code == 1 else 'stopped'}; {folder / found.folder / LOG_FILE} says more")
        raise SystemExit(code)


@suite.command(epilog=EXPORT_EXAMPLE)
@suite_options.suite
@suite_options.out
@suite_options.roots
@suite_options.pretrained
@click.option("--snakemake", is_flag=True, required=True, help="A Snakefile with a rule a cell.")
def export(suite: Path, out: Path | None, roots: Roots, pretrained: bool, snakemake: bool) -> None:
    """Write the plan of SUITE for another workflow program, which then runs the cells."""
    from sdm_bench.suites.run import keep_roots, planned_suite
    from sdm_bench.suites.snakemake import export_snakemake

    planned = planned_suite(suite, out, dict(roots), shipped=pretrained)
    keep_roots(planned.out, dict(roots))
    click.echo(export_snakemake(planned.plan, planned.out))


@suite.command(epilog=ADOPT_EXAMPLE)
@suite_options.suite
@click.argument("folder", type=options.EXISTING_FOLDER)
@suite_options.out
@suite_options.roots
def adopt(suite: Path, folder: Path, out: Path | None, roots: Roots) -> None:
    """Copy FOLDER, a run of `sdm-bench train`, into the training of SUITE that it is. Options and data must agree."""
    from sdm_bench.suites.adopt import adopt as adopt_run
    from sdm_bench.suites.run import planned_suite

    planned = planned_suite(suite, out, dict(roots))
    click.echo(planned.out / adopt_run(planned.plan, planned.out.absolute(), folder).folder)
