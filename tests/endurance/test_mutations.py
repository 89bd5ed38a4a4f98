"""The mutation check: what its changes are, that a seed repeats them, that the known equivalents are among them."""

import ast
from pathlib import Path

import pytest

from tests.endurance.mutations.known import EQUIVALENT
from tests.endurance.mutations.mutants import chosen, mutants, numeric_files

ROOT = Path(__file__).parents[2]


def changed(source: str) -> set[str]:
    """What a line can become."""
    return {mutant.applied(source) for mutant in mutants("file.py", source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 255", {"x = 256", "x = 254"}),
        ("x = 0.5", {"x = 1.5", "x = 1.0"}),
        ("x = True", {"x = False"}),
        ("x = a + b", {"x = a - b", "x = a", "x = b"}),
        ("x = a / (b)", {"x = a * (b)", "x = a"}),
        ("x = a < b", {"x = a <= b", "x = a > b"}),
        ("x = -a", {"x = a"}),
        ("x = a and b", {"x = a", "x = b"}),
        ("x = a if b else c", {"x = a", "x = c"}),
        ("x = f(a, b)", {"x = f(b, a)"}),
        ("x = y.mean()", {"x = y.sum()"}),
        ("x = 'é' + y", {"x = 'é' - y", "x = 'é'", "x = y"}),
        ("def f(x: Literal[1]) -> Literal[2]: raise ValueError(3)", set()),
        ("x = zip(y, strict=True)", set()),
        ("assert x == 1, f'{x + 1}'", set()),
    ],
)
def test_what_a_line_becomes(source: str, expected: set[str]) -> None:
    assert changed(source) == expected


def test_every_change_of_a_numeric_file_is_python() -> None:
    for path in ("sdm_bench/diffusion/losses.py", "sdm_bench/metrics/resize.py"):
        source = (ROOT / path).read_text()
        for mutant in mutants(path, source):
            ast.parse(mutant.applied(source))
            assert mutant.applied(source) != source


def test_a_seed_chooses_the_same_changes_and_one_a_line() -> None:
    one, again, other = (chosen(ROOT, seed, 40, "diffusion/*.py") for seed in (0, 0, 1))
    assert one == again != other
    assert len({(mutant.path, mutant.line) for mutant in one}) == 40


def test_the_rooms_are_there() -> None:
    files = numeric_files(ROOT)
    assert {"sdm_bench/conditioning.py", "sdm_bench/diffusion/losses.py", "segmenters/drn.py"} <= set(files)
    assert len(files) > 40


def test_what_is_known_to_be_equivalent_can_still_be_made() -> None:
    paths = {change.split(":")[0] for change in EQUIVALENT}
    sources = {path: (ROOT / path).read_text() for path in paths}
    made = {mutant.change(source) for path, source in sources.items() for mutant in mutants(path, source)}
    assert set(EQUIVALENT) <= made
