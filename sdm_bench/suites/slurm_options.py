"""Options of sbatch: what a suite or the command line may give, and what the program itself says."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from sdm_bench.base.errors import UserError
from sdm_bench.suites.cells import Kind

KINDS: tuple[str, ...] = get_args(Kind)
# sbatch's own name of an option -> why it isn't the user's.
OURS = {
    **dict.fromkeys(("array", "job-name", "dependency"), "cells and their order decide it"),
    **dict.fromkeys(("output", "error", "open-mode"), "what a job says goes to job.txt beside the cell"),
    **dict.fromkeys(("requeue", "no-requeue"), "cells that are interrupted go on"),
    **dict.fromkeys(("chdir", "wrap", "wait", "test-only", "parsable"), "the program sets it"),
}
ONE = ("nodes", "ntasks", "ntasks-per-node")
SIGNAL = "signal"
# The time that a cell has to save before its time limit; sbatch's --signal, sent to the batch process alone.
DEFAULTS = {SIGNAL: "B:USR1@120"}

Given = Mapping[str, Any]


def mistakes(given: Given) -> Iterable[tuple[tuple[str, ...], str]]:
    """What is wrong with a suite's `slurm`, and where: the way to the option, and the mistake."""
    for name, value in given.items():
        if not isinstance(value, dict):
            yield from _mistakes((name,), value)
        elif name in KINDS:
            for option, inner in value.items():
                yield from _mistakes((name, option), inner)
        else:
            yield (name,), f"{name}: expected the options of a kind of cell, one of {', '.join(KINDS)}"


def _mistakes(way: tuple[str, ...], value: Any) -> Iterable[tuple[tuple[str, ...], str]]:
    name = way[-1]
    if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) is None:
        yield way, f"{name}: expected an option of sbatch by its long name, without dashes, such as partition"
    elif name in OURS:
        yield way, f"{name}: not to be given: {OURS[name]}"
    elif name in ONE and str(value) != "1":
        yield way, f"{name}: found {value}; a cell runs on one node, as one task (docs/slurm.md: several nodes)"
    elif name == SIGNAL and re.fullmatch(r"B:USR1@[1-9]\d{0,5}", str(value)) is None:
        yield way, f"{name}: found {value}; expected B:USR1@SECONDS, the time that a cell has to save"
    elif isinstance(value, list | dict):
        yield way, f"{name}: found {value}; expected one value"


def parse_option(text: str) -> tuple[str, str | bool]:
    """NAME=VALUE, or NAME of an option without a value; raises UserError."""
    name, has_value, value = text.removeprefix("--").partition("=")
    for _, mistake in _mistakes((name,), value):
        raise UserError(f"--sbatch {mistake}")
    return name, value if has_value else True


def sbatch_options(suite: Given, given: Given, kind: str) -> list[str]:
    """The options for a kind of cell: the suite's, over them those of the kind, over them the command line's."""
    shared = {name: value for name, value in suite.items() if not isinstance(value, dict)}
    chosen = {**DEFAULTS, **shared, **suite.get(kind, {}), **given}
    return [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in chosen.items()
        if value is not None and value is not False
    ]
