"""YAML in which nothing is merged in silence and whole numbers are decimal."""

from pathlib import Path
from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_yaml


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("- {name: road, color: [1, 2, 3], color: [4, 5, 6]}\n", 1, "color"),
        ("classes: [a]\n# more\nclasses: [b]\n", 3, "classes"),
        ("a: {b: {c: 1,\n c: 2}}\n", 2, "c"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, text: str, line: int, name: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(UserError, match=rf"f\.yaml: not valid YAML: line {line}: '{name}' is there twice"):
        read_yaml(tmp_path / "f.yaml")


def test_what_is_merged_may_be_said_anew(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("- &a {name: road, color: [1, 2, 3]}\n- {<<: *a, name: sky}\n")
    assert read_yaml(tmp_path / "f.yaml")[1] == {"name": "sky", "color": [1, 2, 3]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 10), ("-007", -7), ("+8", 8), ("1_000", 1000), ("0x1F", 31), ("0o17", 15), ("1:30", "1:30"), ("'1'", "1")],
)
def test_whole_numbers_are_decimal_as_yaml_1_2_has_them(tmp_path: Path, text: str, value: Any) -> None:
    (tmp_path / "f.yaml").write_text(f"id: {text}\n")
    found = read_yaml(tmp_path / "f.yaml")["id"]
    assert (type(found), found) == (type(value), value)


def test_nothing_is_built_that_yaml_names(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(UserError, match="could not determine a constructor"):
        read_yaml(tmp_path / "f.yaml")
