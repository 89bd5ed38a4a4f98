"""YAML with its lines."""

from itertools import pairwise
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.suites.lines import read_lined


def lined(folder: Path, text: str, name: str = "a.yaml"):  # type: ignore[no-untyped-def]
    path = folder / name
    path.write_text(text)
    return read_lined(path)


def test_everything_knows_its_line(tmp_path: Path) -> None:
    found = lined(tmp_path, "a: 1\nb:\n  c: [1,\n    2]\n")
    assert found.value == {"a": 1, "b": {"c": [1, 2]}}
    assert found.place(("b", "c", 1)) == f"{tmp_path / 'a.yaml'}, line 4"
    assert found.place(("b", "nowhere")) == f"{tmp_path / 'a.yaml'}, line 2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "line 2: 'a' is there twice"),
        ("- 1\n", "not a suite"),
        ("1: a\n", "line 1: 1: expected a name"),
        ("a: [1\n", "not valid YAML"),
        ("a: 1\nb: !!int x\n", "line 2"),
        ("a: &a [*a]\n", "line 1: nested more than 50 deep"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefghij")),
            "more than 20000 values",
        ),
    ],
)
def test_what_is_no_suite_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        lined(tmp_path, text)


def test_one_file_over_another_keeps_the_lines_of_both(tmp_path: Path) -> None:
    base = lined(tmp_path, "a: {x: 1, y: 2}\nb: [1, 2]\nc: 3\n", "base.yaml")
    found = lined(tmp_path, "b: [4]\na:\n  y: null\n  z: 5\n", "over.yaml").over(base)
    assert found.value == {"a": {"x": 1, "z": 5}, "b": [4], "c": 3}
    assert found.place(("a", "x")).endswith("base.yaml, line 1")
    assert found.place(("a", "z")).endswith("over.yaml, line 4")
    assert found.place(("b", 0)).endswith("over.yaml, line 1")
    assert found.place(("c",)).endswith("base.yaml, line 3")
