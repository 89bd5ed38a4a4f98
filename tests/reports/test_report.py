"""A report is written whole or not at all."""

import os
from pathlib import Path

import pytest

from reports.figures.figures import FigureOptions
from reports.figures.material import ColumnChoice
from reports.report import Pages, write_report
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import add_rows
from tests.evaluation.measured import make_run, noisy, real_at
from tests.results.test_rows import row

FILES = ["comparison.csv", "comparison.md", "comparison.tex", "comparison.html", "tables.tex"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with results and no samples."""
    add_rows(tmp_path / "run" / "results.csv", [row()])
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tables": ["comparison", "ablatoin"]}, "Unknown table 'ablatoin'"),
        ({"tables": ["comparison", "sensitivity"]}, "sensitivity compares protocols"),
        ({"tables": ["comparison"], "published": "below"}, "Unknown dataset 'folder'"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_written(
    arguments: dict, message: str, run: Path, tmp_path: Path
) -> None:
    add_rows(run / "results.csv", [row(dataset="folder")])
    with pytest.raises(UserError, match=message):
        write_report([run], out=tmp_path / "report", **arguments)
    assert not (tmp_path / "report").exists()


def test_a_place_that_cannot_be_written_to_is_said_first(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--out .*report: .*file is a file; expected a folder"):
        write_report([run], ["comparison"], tmp_path / "file" / "report")


@pytest.mark.parametrize("name", ["comparison.csv", "comparison.md"])
def test_a_folder_in_the_place_of_a_file_is_said_before_anything_is_written(
    name: str, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "report" / name).mkdir(parents=True)
    with pytest.raises(UserError, match=rf"--out .*report: .*{name} is a folder; expected a file") as caught:
        write_report([run], ["comparison"], tmp_path / "report")
    assert "\n" not in caught.value.message
    assert [path.name for path in (tmp_path / "report").iterdir()] == [name]


def test_a_file_that_cannot_be_replaced_is_said_before_anything_is_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "report" / "comparison.md"
    kept.parent.mkdir()
    kept.write_text("mine")
    allowed = os.access
    # the tests may run as root, whom the file's mode doesn't stop
    monkeypatch.setattr(os, "access", lambda path, mode: path != kept and allowed(path, mode))
    with pytest.raises(UserError, match=r"no permission to replace .*comparison\.md"):
        write_report([run], ["comparison"], tmp_path / "report")
    assert {path.name: path.read_text() for path in kept.parent.iterdir()} == {"comparison.md": "mine"}


def test_tables_of_runs_are_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    paths = write_report([run, run, tmp_path / "empty"], ["comparison", "comparison"], tmp_path / "report")
    assert [path.name for path in paths] == FILES
    assert "empty: no results.csv; left out" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"no results\.csv in .*empty"):
        write_report([tmp_path / "empty"], ["comparison"], tmp_path / "report")


def test_a_csv_of_results_is_taken_as_it_is(tmp_path: Path) -> None:
    add_rows(tmp_path / "theirs.csv", [row()])
    paths = write_report([tmp_path / "theirs.csv"], ["comparison"], tmp_path / "report")
    assert [path.name for path in paths] == FILES
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no results.csv in .*/empty; .* which `report` takes as a file too"):
        write_report([tmp_path / "empty"], ["comparison"], tmp_path / "report")


def test_pages_alone_are_written_where_there_is_no_place_for_tables(run: Path, tmp_path: Path) -> None:
    (index,) = write_report([run], ["comparison"], None, pages=Pages(site=tmp_path / "site"))
    assert index == (tmp_path / "site" / "index.html").resolve()
    assert not (tmp_path / "site" / "gallery.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "site"]


def test_formats_are_chosen(run: Path, tmp_path: Path) -> None:
    paths = write_report([run], ["comparison", "table1"], tmp_path / "report", formats=["csv", "tex"])
    assert [path.name for path in paths] == [
        "comparison.csv", "comparison.tex", "table1.csv", "table1.tex", "tables.tex"
    ]  # fmt: skip
    assert r"\input{comparison}\clearpage" in (tmp_path / "report" / "tables.tex").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"published": "beside"}, "--published beside: of the table table1 or table3; ask for it"),
        ({"factors": ["guidance"]}, "--factor: of the table table4 or ablation"),
        ({"accuracy": True}, "--accuracy: of the table table3"),
    ],
)
def test_what_is_said_of_a_table_that_is_not_asked_for_is_refused(
    arguments: dict, message: str, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        write_report([run], ["comparison"], tmp_path / "report", **arguments)


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        (Pages(paths=True), r"--paths: .* give one of them"),
        (Pages(gallery=Path("gallery.htm")), r"--gallery gallery\.htm: expected a name that ends in \.html"),
        (Pages(site=Path(), gallery=Path("a/b.html")), r"--site \.: no site of this program"),
        (Pages(site=Path("new"), gallery=Path("new/b.html")), r"--gallery new/b\.html: in the site, which is replaced"),
        (Pages(site=Path(__file__)), r"--site .*test_report\.py: a file; expected a folder"),
    ],
)
def test_pages_that_cannot_be_are_said_before_anything_is_written(
    pages: Pages, message: str, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        write_report([run], ["comparison"], tmp_path / "report", pages=pages)
    assert not (tmp_path / "report").exists()


def test_a_gallery_without_samples_is_said_before_anything_is_written(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--gallery: no samples in any of the runs"):
        write_report([run], ["comparison"], tmp_path / "report", pages=Pages(gallery=tmp_path / "gallery.html"))
    assert not (tmp_path / "report").exists()


def test_published_numbers_beside_are_for_tables_or_figures_that_show_them(run: Path, tmp_path: Path) -> None:
    numbers = [row(metric="fid", value=90.0), row(metric="lpips", measure="lpips", value=0.1, direction="higher")]
    add_rows(run / "results.csv", numbers)
    with pytest.raises(UserError, match=r"--published beside: of the table table1 or table3; .*the figure guidance or"):
        write_report([run], ["comparison"], tmp_path / "report", FigureOptions(("sensitivity",)), "beside")
    write_report([run], ["comparison"], tmp_path / "report", FigureOptions(("plane",)), "beside")
    assert "published by" in (tmp_path / "report" / "plane.csv").read_text()
    write_report([run], ["comparison"], tmp_path / "report", FigureOptions(("plane",)))
    assert "published by" not in (tmp_path / "report" / "plane.csv").read_text()


def test_two_values_of_one_measurement_are_said(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_rows(tmp_path / "copy.csv", [row(value=0.5, time="2020-01-01T00:00:00+00:00")])
    write_report([run, tmp_path / "copy.csv"], ["comparison"], tmp_path / "report")
    said = capsys.readouterr().err
    assert f"{run}/results.csv, {tmp_path}/copy.csv: fid of sdm is 0.3333333333 ({row().id}) and 0.5 (" in said
    assert "one measurement; the newer is taken" in said
    assert "| 0.33 |" in (tmp_path / "report/comparison.md").read_text()
    write_report([run, run / "results.csv"], ["comparison"], tmp_path / "report")
    assert "one measurement" not in capsys.readouterr().err


def test_one_folder_written_in_several_ways_is_shown_once(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_run(tmp_path / "made", real_at(toy_cityscapes), [0], noisy, data=str(toy_cityscapes))
    other = make_run(tmp_path / "other", real_at(toy_cityscapes), [0], noisy, data=str(toy_cityscapes))
    for folder in (made, other):
        add_rows(folder / "results.csv", [row(sample_set=folder.name)])
    (tmp_path / "link").symlink_to(made, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    runs = [Path("link"), made, Path("made"), other, Path("other/../made")]
    figures = FigureOptions(("compare",), columns=[ColumnChoice("made", "A"), ColumnChoice(str(other), "B")])
    write_report(runs, ["comparison"], tmp_path / "report", figures)
    columns = [line.split(",")[2] for line in (tmp_path / "report/compare.csv").read_text().splitlines()[1:]]
    assert columns[:2] == ["A", "B"]
    assert set(columns) == {"A", "B"}
    write_report(runs, ["comparison"], tmp_path / "report", FigureOptions(("compare",)))
    shown = {line.split('"')[1] for line in (tmp_path / "report/compare.csv").read_text().splitlines()[1:]}
    assert shown == {"SDM s=1.5, folder made", "SDM s=1.5, folder other"}
