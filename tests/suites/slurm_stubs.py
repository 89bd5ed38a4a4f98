"""The program whose cells write pieces, a file after the other, and go on where they were: for jobs of Slurm.

No pieces at all kill the cell, fewer than none make it fail.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from cli import main
from sdm_bench.base.errors import UserError
from sdm_bench.suites import work
from sdm_bench.suites.cells import Cell


def pieces(cell: Cell, device: str) -> dict[str, Any]:
    """Writes the pieces that are missing, each after so many seconds."""
    if not cell.options["pieces"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if cell.options["pieces"] < 0:
        raise UserError("no such number of pieces")
    folder = Path(cell.work_folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(cell.options["pieces"]):
        piece = folder / f"{number}.txt"
        if not piece.is_file():
            time.sleep(cell.options["seconds"])
            piece.write_text(f"{cell.name} {number}\n")
    return {"pieces": cell.options["pieces"]}


if __name__ == "__main__":
    work.WORK.update(dict.fromkeys(work.WORK, pieces))
    main()
