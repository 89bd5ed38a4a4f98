"""Cells that wait for others, in the order of the plan."""

from bisect import insort
from collections.abc import Sequence

from sdm_bench.suites.cells import Cell


class Waiting:
    """Cells that have not started, and for each those that it waits for, which are of the same run."""

    def __init__(self, cells: Sequence[Cell]):
        by_id = {cell.id: cell.name for cell in cells}
        self.cells = {cell.name: cell for cell in cells}
        self.ahead = {
            cell.name: {by_id[each] for each in cell.inputs.values() if each in by_id} - {cell.name} for cell in cells
        }
        self.behind: dict[str, list[str]] = {}
        for name, ahead in self.ahead.items():
            for each in ahead:
                self.behind.setdefault(each, []).append(name)
        self.number = {name: number for number, name in enumerate(self.cells)}
        # in the order of the plan, in which what is wanted first comes first
        self.ready = [name for name, ahead in self.ahead.items() if not ahead]

    def take(self, name: str) -> Cell:
        """A cell that starts, or won't."""
        self.ready.remove(name)
        return self.cells.pop(name)

    def ended(self, name: str) -> None:
        """Nothing waits for the cell any more, whatever became of it."""
        for each in self.behind.get(name, ()):
            self.ahead[each].discard(name)
            if not self.ahead[each] and each in self.cells:
                insort(self.ready, each, key=self.number.__getitem__)
