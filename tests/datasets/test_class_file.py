"""classes.yaml: what it may say, in which encodings, and where it is wrong."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.class_file import read_class_file

ROW = "- {name: Straße, color: [1, 2, 3]}\n"


def test_ignored_classes_take_no_evaluation_index(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(
        "- {name: a, color: [0, 0, 0]}\n- {name: b, color: [1, 1, 1], ignore: true}\n- {name: c, color: [2, 2, 2]}\n"
    )
    table = read_class_file(path).table
    assert table.evaluate_as.tolist() == [0, 255, 1]
    assert table.evaluated_names == ("a", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not valid YAML"),
        ("name: road", "expected a list of classes, a row each like `- {name: road"),
        ("[]", "expected a list of classes"),
        ("- road", "row 0 is 'road'; expected a name and a color"),
        ("- {name: a, color: [0, 0, 0]}\n- {color: [0, 0, 0]}", "row 1 is .*; expected a name"),
        ("- {name: a, color: [0, 0]}", "row 0 is .*three numbers 0..255"),
        ("- {name: a, color: [0, 0, 256]}", "row 0 is .*three numbers 0..255"),
        ("- {name: a, color: red}", "row 0 is .*three numbers 0..255"),
        ('- {name: "a\\nb", color: [0, 0, 0]}', "row 0 is .*; expected a name and a color"),
        ("- {name: a, color: [0, 0, 0], color: [1, 1, 1]}", "not valid YAML: line 1: 'color' is there twice"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"classes.yaml: {message}"):
        read_class_file(path)


def test_names_that_look_alike_are_one(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_text('- {name: "e\u0301  a ", color: [1, 2, 3]}\n')
    assert read_class_file(tmp_path / "classes.yaml").table.names == ("\u00e9 a",)
    with (tmp_path / "classes.yaml").open("a") as stream:
        stream.write('- {name: "\u00e9 a", color: [1, 2, 4]}\n')
    with pytest.raises(UserError, match="the name '\u00e9 a' occurs twice"):
        read_class_file(tmp_path / "classes.yaml")


def test_ids_and_colours_with_zeros_before_them_are_decimal(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_text("- {id: 010, name: a, color: [016, 032, 064]}\n")
    found = read_class_file(tmp_path / "classes.yaml")
    assert found.ids == (10,)
    assert found.table.colors.tolist() == [[16, 32, 64]]


def test_more_classes_than_eight_bits_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text("- {name: a, color: [0, 0, 0]}\n" * 256)
    with pytest.raises(UserError, match="256 classes; at most 255"):
        read_class_file(path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- {name: Brücke, color: [1, 2, 3]}".encode("latin1"), "not a YAML in UTF-8: .*; save it in UTF-8"),
        (b"- {name: [a], color: [1, 2, 3]}", r"row 0 is .*; expected a name"),
        (b"- {name: a, color: [1, 2, 3], mirror: left}", r"row 0: mirror 'left'; expected a row number 0\.\.0"),
        (b"- {name: a, color: [1, 2, 3], on: 2001-99-99}", "not valid YAML: month must be in"),
        (b"- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n", r"row 0 is \['x', 'x'\]; expected"),
    ],
)
def test_odd_class_tables_are_refused_in_a_line(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "classes.yaml").write_bytes(body)
    with pytest.raises(UserError, match=rf"classes\.yaml: {message}"):
        read_class_file(tmp_path / "classes.yaml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_usual_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "classes.yaml").write_bytes(ROW.replace("\n", "\r\n").encode(encoding))
    assert read_class_file(tmp_path / "classes.yaml").table.names == ("Straße",)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman", "utf-16-le", "utf-16-be", "cp437"])
def test_others_are_refused_in_a_line(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "classes.yaml").write_bytes(ROW.encode(encoding))
    with pytest.raises(UserError, match=r"classes\.yaml: not a YAML in UTF-8: .*; save it in UTF-8"):
        read_class_file(tmp_path / "classes.yaml")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("nmae: x", "unknown field 'nmae'; expected name, size, ignore, classes"),
        ("name: ADE20K", "name 'ADE20K': another dataset is called so"),
        ("name: 'a|b'", r"name 'a\|b'; expected up to 60 letters"),
        ("name: [a]", r"name \['a'\]; expected up to 60 letters"),
        ("size: 480", r"size 480; expected \[height, width\] in pixels up to 8192, like \[360, 480\]"),
        ("size: [0, 480]", r"size \[0, 480\]; expected"),
        ("ignore: all", "ignore 'all'; expected ids 0..65535 or colours"),
        ("ignore: 65536", "ignore 65536; expected ids"),
        ("ignore: 7", "the id 7 occurs twice"),
    ],
)
def test_a_wrong_head_says_what_is_wrong(tmp_path: Path, head: str, message: str) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(f"{head}\nclasses:\n- {{id: 7, name: a, color: [0, 0, 0]}}\n")
    with pytest.raises(UserError, match=rf"classes\.yaml: {message}"):
        read_class_file(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("- {id: 70000, name: a, color: [0, 0, 0]}", "row 0: id 70000; expected a whole number 0..65535"),
        ("- {id: 1, name: a, color: [0, 0, 0]}\n- {name: b, color: [0, 0, 0]}", "the id 1 occurs twice"),
        ("- {name: a, color: [0, 0, 0]}\n- {name: a, color: [0, 0, 0]}", "the name 'a' occurs twice"),
        ("- {name: no, color: [0, 0, 0]}", "row 0 is .*; put the name in quotes"),
        ("- {name: a, colour: [0, 0, 0], color: [0, 0, 0]}", "row 0: unknown field 'colour'"),
        ("- {name: a, color: [0, 0, 0], ignore: maybe}", "row 0: ignore 'maybe'; expected true or false"),
    ],
)
def test_a_wrong_row_says_what_is_wrong(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(rows)
    with pytest.raises(UserError, match=rf"classes\.yaml: {message}"):
        read_class_file(path)


def test_the_class_of_what_is_ignored_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text("ignore: [255, [7, 8, 9]]\nclasses:\n- {name: ignored, color: [0, 0, 0]}\n")
    found = read_class_file(path)
    assert found.table.names == ("ignored", "ignored 2")
    assert found.table.colors[1].tolist() == [7, 8, 9]
    assert (found.ignored_ids, found.ignored_colors) == ((255,), ((7, 8, 9),))
