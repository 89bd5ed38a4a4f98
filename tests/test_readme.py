"""README's numbers are the demo's, to the digits that are the same on every processor.

The demo takes minutes, so that the tests take its report from where it was written: SDM_BENCH_DEMO_REPORT names the
folder, as `.ci/run` does after `make demo`.
"""

import os
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
REPORT = os.environ.get("SDM_BENCH_DEMO_REPORT")
# How far processors move a number of the demo, from measurements under the settings of tests/processors.py and on an
# AMD EPYC: FID 0.02, LPIPS 2e-6, mIoU 7e-5. Rounding to the printed digits adds half of the last one.
TOLERANCES = {"FID": 0.05, "LPIPS": 1.5e-4, "mIoU": 3e-4}
NUMBER = re.compile(r"-?\d+\.\d+")


def tables(text: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """The Markdown tables of a text by their columns: a dictionary a line."""
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    columns: tuple[str, ...] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if columns is None:
            columns = cells
            found[columns] = []
        elif set(cells) != {"---"}:
            found[columns].append(dict(zip(columns, cells, strict=True)))
    return found


@pytest.mark.skipif(REPORT is None, reason="SDM_BENCH_DEMO_REPORT names no report of the demo")
@pytest.mark.parametrize("name", ["comparison", "table1", "ablation"])
def test_the_tables_are_those_of_the_demo(name: str) -> None:
    ((columns, made),) = tables((Path(str(REPORT)) / f"{name}.md").read_text()).items()
    shown = tables(README.read_text())[columns]
    assert len(shown) == len(made)
    for ours, theirs in zip(shown, made, strict=True):
        for column in columns:
            *difference, metric = column.removesuffix(" ↓").removesuffix(" ↑").split()
            if metric not in TOLERANCES:
                assert ours[column] == theirs[column]
                continue
            values = [[float(number) for number in NUMBER.findall(cells[column])] for cells in (ours, theirs)]
            assert values[0] == pytest.approx(values[1], abs=TOLERANCES[metric] * (2 if difference else 1)), (
                column,
                ours,
            )


def test_tables_are_found_with_their_columns() -> None:
    text = "a\n\n| x | FID |\n| --- | --- |\n| SDM | 1.50 ± 0.10 |\n\n| y |\n| --- |\n"
    assert tables(text) == {("x", "FID"): [{"x": "SDM", "FID": "1.50 ± 0.10"}], ("y",): []}
