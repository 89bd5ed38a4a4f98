"""What a user calls methods, datasets and columns."""

from pathlib import Path

import pytest

from reports.figures.material import Material
from reports.figures.plane import plane
from reports.names import column_name, dataset_name, method_name, named, read_names
from sdm_bench.base.errors import UserError
from tests.reports.test_tables import of


def test_names_come_of_a_file_and_renames_hold_before_it(tmp_path: Path) -> None:
    file = tmp_path / "names.yaml"
    file.write_text("methods: {sdm: Ours, spade: S}\ncolumns: {FID: FID-5k}\n", encoding="utf-8")
    with named(read_names(file, ["sdm=Mine", "Cityscapes=CS"])):
        assert [method_name(each) for each in ("sdm", "spade", "oasis", "theirs")] == ["Mine", "S", "OASIS", "theirs"]
        assert (dataset_name("cityscapes"), dataset_name("ade20k"), column_name("FID")) == ("CS", "ADE20K", "FID-5k")
    assert method_name("sdm") == "SDM"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sdm]", "expected methods, datasets, columns; found"),
        ("method: {sdm: x}", "expected methods, datasets, columns; found method"),
        ("methods: {sdm: 1}", "methods: expected names and what they are called, both text"),
        ("methods: {sdm: ", "not YAML"),
    ],
)
def test_a_file_that_does_not_say_names_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"names\.yaml: {message}"):
        read_names(tmp_path / "names.yaml", [])


@pytest.mark.parametrize("rename", ["sdm", "=x", "sdm=", " = "])
def test_a_rename_has_two_sides(rename: str) -> None:
    with pytest.raises(UserError, match=r"--rename .*: expected OLD=NEW"):
        read_names(None, [rename])


def test_nothing_has_two_names() -> None:
    assert read_names(None, ["sdm=A", "sdm = A"])["methods"] == {"sdm": "A"}
    with pytest.raises(UserError, match="--rename sdm=B: sdm is also called A; expected one name"):
        read_names(None, ["sdm=A", "sdm=B"])


def test_names_of_what_is_not_there_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    with named(read_names(None, ["SDM=Ours", "spad=SPADE (theirs)"])):
        assert method_name("sdm") == "Ours"
    assert capsys.readouterr().err == "names: nothing shown is called spad\n"


def test_two_things_have_two_names(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sdm and spade would both be called A; expected a name for each"):
        read_names(None, ["sdm=A", "spade=A"])
    file = tmp_path / "names.yaml"
    file.write_text("methods: {sdm: A}\ndatasets: {cityscapes: A}\n")
    assert read_names(file, [])["datasets"] == {"cityscapes": "A"}
    with pytest.raises(UserError, match="sdm and oasis would both be called A"):
        read_names(file, ["oasis=A"])


def test_figures_call_things_so_too() -> None:
    rows = [of("spade", None, value=3.0), of("spade", None, "lpips", value=0.1)]
    material = Material(rows)
    (drawing,) = plane(material)
    assert drawing.figure.get_suptitle().startswith("Cityscapes val, ")
    given = {"methods": {"spade": "Theirs"}, "datasets": {"cityscapes": "Streets"}, "columns": {"FID": "Frechet"}}
    with named(given):
        (drawing,) = plane(material)
    assert drawing.figure.get_suptitle().startswith("Streets val, ")
    assert drawing.figure.axes[0].get_ylabel() == "Frechet ↓"
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == ["Theirs"]
