"""A suite as a Snakefile: a rule a cell, whose output is its result file and whose inputs are those it needs."""

from pathlib import Path

from sdm_bench.base.files import write_text
from sdm_bench.suites.cells import RESULT_FILE, Cell
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.record import record

SNAKEFILE = "Snakefile"


def export_snakemake(plan: Plan, out: Path) -> Path:
    """Writes `out`/Snakefile and the cells it runs; what is left out, cells that lack something too, is a comment."""
    record(plan, out)
    able: dict[str, Cell] = {}
    left = [f"# {line}" for line in plan.left_out]
    by_id = plan.by_id
    for cell in plan.cells.values():
        needed = [by_id[each].name for each in cell.inputs.values()]
        if cell.lacks or (cell.kind != "report" and any(name not in able for name in needed)):
            left.append(f"# left out: {cell.name}: {'; '.join(cell.lacks) or 'needs a cell that is left out'}")
        else:
            able[cell.name] = cell
            cell.write(out)
    last = [cell for cell in able.values() if cell.kind == "report"] or list(able.values())
    lines = [f"# {plan.suite.name}, run in this folder: snakemake --cores 1", *left, ""]
    lines += ["rule all:", f"    input: {', '.join(repr(_result(cell)) for cell in last)}"]
    for number, cell in enumerate(able.values()):
        inputs = [_result(able[by_id[each].name]) for each in cell.inputs.values() if by_id[each].name in able]
        lines += ["", f"rule cell_{number}:", f"    output: {_result(cell)!r}"]
        lines += [f"    input: {', '.join(map(repr, dict.fromkeys(inputs)))}"] if inputs else []
        lines += ["    threads: workflow.cores", f"    shell: 'sdm-bench suite cell {cell.id} --out .'"]
    target = out / SNAKEFILE
    write_text(target, "\n".join(lines) + "\n")
    return target


def _result(cell: Cell) -> str:
    return f"{cell.folder}/{RESULT_FILE}"
