"""Somebody's pictures stand beside runs in figures and galleries, as long as they are those that were measured."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from reports.figures.compare import compare
from reports.figures.figures import FigureOptions
from reports.figures.material import ColumnChoice, Examples, Material
from reports.figures.samples import samples, spread_of
from reports.gallery.columns import open_columns
from reports.gallery.numbers import find_numbers
from reports.pictured import of_others, of_runs
from reports.report import Pages, write_report
from sdm_bench.base.files import write_png
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.results.rows import ResultRow, read_rows
from tests.evaluation.measured import make_run, noisy, real_at


@pytest.fixture(scope="module")
def measured(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two samples of each label map by somebody, below `out/`, and their mean IoU in `theirs/`."""
    folder = tmp_path_factory.mktemp("measured")
    real = real_at(toy_cityscapes)
    for sample in (0, 1):
        for example in real:
            write_png(folder / f"out/group_{sample}/{example.id}_fake.png", noisy(example, sample))
    where = DatasetSplit("cityscapes", toy_cityscapes, None)
    common = {"where": where, "name": "a_b & <theirs>", "segmenter": "toy", "device": "cpu"}
    for seeds in (None, [1]):
        asked = Evaluation(["miou"], images=folder / "out", seeds=seeds, out=folder / "theirs/results.csv", **common)
        _, failures = evaluate(asked)
        assert failures == []
    return folder


@pytest.fixture
def theirs(measured: Path, tmp_path: Path) -> Path:
    """A folder of results that a test may change; the pictures stay where they are."""
    return Path(shutil.copytree(measured / "theirs", tmp_path / "theirs"))


def rows_of(folder: Path) -> list[ResultRow]:
    return read_rows(folder / "results.csv")


def test_pictures_are_found_by_the_record_of_their_numbers(measured: Path, toy_cityscapes: Path) -> None:
    real = real_at(toy_cityscapes)
    (found,) = of_others(rows_of(measured / "theirs"), [measured / "theirs/results.csv"])
    assert (found.method, found.title(), found.name) == ("a_b & <theirs>", "a_b & <theirs>", "out")
    assert list(found.seeds) == [0, 1]
    assert found.shown.size == (32, 64)
    for example in real:
        for seed in (0, 1):
            np.testing.assert_array_equal(found.read(example.id, seed), noisy(example, seed))
    assert found.read("nothing", 0) is None
    assert found.read(real[0].id, 2) is None


def test_they_stand_beside_runs_with_their_numbers(measured: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy, data=str(toy_cityscapes))
    places, rows = [measured / "theirs"], rows_of(measured / "theirs")
    pictured = [*of_runs([run]), *of_others(rows, places)]
    material = Material(rows, places, pictured, examples=Examples(count=2))
    (drawing,) = compare(material)
    assert drawing.data["column"].tolist() == ["SDM s=1.5", "a_b & <theirs>"] * 2
    assert not drawing.data["missing"].any()
    (drawing,) = samples(material)
    spreads = drawing.data.groupby("id")["mean_spread"].agg(list)
    assert all(first == second for first, second in spreads)
    drawn = [noisy(_of(real, spreads.index[0]), seed) for seed in (0, 1)]
    assert spreads.iloc[0][0] == pytest.approx(spread_of(drawn).mean())
    columns = open_columns(pictured, real.dataset)
    found = find_numbers(columns, places, rows)
    # those of both samples together, and of one measured alone: one column has them
    assert {index for by_column in found.by_measure.values() for index in by_column} == {1}
    chosen = Material(rows, places, pictured, examples=Examples("worst", (), 1), columns=[ColumnChoice("out", "ours")])
    assert compare(chosen)[0].data["column"].tolist() == ["ours"]


def _of(real, name: str):  # type: ignore[no-untyped-def]
    return next(example for example in real if example.id == name)


def test_a_report_of_their_numbers_alone_shows_them(measured: Path, tmp_path: Path) -> None:
    pages = Pages(gallery=tmp_path / "gallery.html")
    figures = FigureOptions(("compare", "samples"), ("png",), Examples(count=1))
    written = write_report([measured / "theirs"], ["comparison"], tmp_path / "report", figures, pages=pages)
    assert {path.name for path in written} >= {"compare.png", "compare.csv", "samples.png", "gallery.html"}
    page = (tmp_path / "gallery.html").read_text()
    assert "a_b &amp; &lt;theirs&gt;" in page
    assert str(measured) not in page
    shown = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert [column["seeds"] for column in shown["columns"]] == [[0, 1]]
    assert shown["measures"][0]["short"] == "mIoU"
    assert len(shown["measures"][0]["values"][0]["0"]) == 5


@pytest.mark.parametrize("wrong", ["changed", "gone", "data"])
def test_pictures_that_are_no_longer_those_are_said_and_not_shown(
    wrong: str, measured: Path, theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, messages = tmp_path / "out", {"changed": "other pictures", "gone": "no such", "data": "nowhere"}
    shutil.copytree(measured / "out", out)
    for file in [theirs / "results.csv", *(theirs / "provenance").iterdir()]:
        file.write_text(file.read_text().replace(str(measured / "out"), str(out)))
    picture = sorted((out / "group_1").iterdir())[0]
    if wrong == "changed":
        write_png(picture, np.zeros((32, 64, 3), np.uint8))
    elif wrong == "gone":
        shutil.rmtree(out)
    else:
        for file in (theirs / "provenance").iterdir():
            about = json.loads(file.read_text())
            file.write_text(json.dumps(about | {"real": about["real"] | {"root": "/nowhere"}}))
    assert of_others(rows_of(theirs), [theirs]) == []
    said = capsys.readouterr().err
    assert "the pictures called 'a_b & <theirs>' are left out of figures and galleries: " in said
    assert messages[wrong] in said


def test_without_a_record_nothing_is_shown_or_said(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(theirs / "provenance")
    assert of_others(rows_of(theirs), [theirs]) == []
    assert capsys.readouterr().err == ""
