"""The numbers of README and docs/results.md are the demo's, to the digits that are the same on every processor.

The demo takes minutes, so that the tests take its report from where it was written: SDM_BENCH_DEMO_REPORT names the
folder, as `.ci/run` does after `make demo`.
"""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The pages, and which of the demo's tables each shows.
SHOWN = (("README.md", "table1"), *(("docs/results.md", name) for name in ("comparison", "table1", "ablation")))
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
@pytest.mark.parametrize(("page", "name"), SHOWN)
def test_the_tables_are_those_of_the_demo(page: str, name: str) -> None:
    ((columns, made),) = tables((Path(str(REPORT)) / f"{name}.md").read_text()).items()
    shown = tables((ROOT / page).read_text())[columns]
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


def test_readme_is_short_and_links_to_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) < 90
    links = re.findall(r"\]\(([^):]+)\)", readme)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_table_of_readme_is_that_of_the_results() -> None:
    ((columns, lines),) = tables((ROOT / "README.md").read_text()).items()
    assert tables((ROOT / "docs/results.md").read_text())[columns] == lines
