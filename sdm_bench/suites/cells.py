"""A cell: one piece of work of a suite, what decides its result, and where its files are.

Below a suite's folder `cells/<name>/<key>/` holds everything of a cell: `cell.json` (what is to be done), `result.json`
(whole or absent), `log.txt`, `work/`. Samples are in `samples/<name>/<key>/`, where shards and further seeds meet.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, read_object, write_json
from sdm_bench.base.sections import parsed
from sdm_bench.suites.inputs import short

Kind = Literal["data", "segmenter", "train", "generate", "evaluate", "report"]
CELLS = "cells"
SAMPLES = "samples"
CELL_FILE = "cell.json"
RESULT_FILE = "result.json"
LOG_FILE = "log.txt"


@dataclass(frozen=True)
class Cell:
    """One piece of work.

    options: what is to be done, as JSON. decided_by: everything that decides the result, by the words in which a plan
    says what has changed. inputs: the cells whose results it needs, role -> `name/key`. work: where its files go, below
    the suite's folder. files: what it reads outside of that, path -> digest of a file or a whole folder. size: how much
    work it is, in the unit of its kind (see estimate.py); rate: what the time of a unit depends on. processes: for
    torchrun. lacks: why it can't run here, as far as a plan knows.
    """

    kind: Kind
    name: str
    options: dict[str, Any]
    decided_by: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    work: str = ""
    files: dict[str, str] = field(default_factory=dict)
    size: float = 0.0
    rate: str = ""
    processes: int = 1
    lacks: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """The hash of everything that decides the result."""
        return short([self.kind, self.decided_by])

    @property
    def id(self) -> str:
        """The name and the key, as other cells and commands refer to it."""
        return f"{self.name}/{self.key}"

    @property
    def folder(self) -> str:
        """Its folder, below the suite's."""
        return f"{CELLS}/{self.id}"

    @property
    def work_folder(self) -> str:
        """Where its files go, below the suite's folder."""
        return self.work or f"{self.folder}/work"

    def write(self, out: Path) -> None:
        """Writes cell.json, from which anybody can run the cell without the suite.

        What an earlier plan wrote is replaced: the same cell may find its data or weights in another place now.
        """
        path, fields = out / self.folder / CELL_FILE, {**asdict(self), "key": self.key}
        if not path.is_file() or _stored(path) != json.loads(json.dumps(fields)):
            write_json(path, fields)


def _stored(path: Path) -> Any:
    try:
        return read_json(path)
    except UserError:
        return None


def read_cell(out: Path, key: str) -> Cell:
    """The planned cell called `key`, `NAME/KEY` or a KEY's beginning, below a suite's folder; raises UserError."""
    if "/" in key:
        files = [out / CELLS / key / CELL_FILE]
    else:
        files = [file for file in out.glob(f"{CELLS}/*/{key}*/{CELL_FILE}") if key]
    files = [file for file in files if file.is_file()]
    if len(files) != 1:
        found = f"{len(files)} cells" if files else "no cell"
        raise UserError(f"{key}: {found} of that key in {out}; `sdm-bench suite status` lists them")
    fields = read_object(files[0], kind=str, name=str, key=str)
    stored = fields.pop("key")
    cell: Cell = parsed(Cell, fields, files[0])
    if cell.key != stored:
        raise UserError(f"{files[0]}: edited: its key is {stored}, its content's {cell.key}")
    return cell
