"""Result rows and their store."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import COLUMNS, EDITED, GROUP, REAL, ResultRow, add_rows, read_rows, to_csv


def row(**changes: object) -> ResultRow:
    fields = {
        "dataset": "cityscapes", "split": "val", "method": "sdm", "protocol": "sdm-bench@1", "protocol_sha256": "p",
        "metric": "fid", "measure": "fid", "value": 1 / 3, "direction": "lower", "num_images": 5, "seeds": "0-1",
        "solver": "ddim", "steps": 25, "guidance": 1.5, "extractor": "inception", "extractor_sha256": "e",
        "manifest_sha256": "ab", "sample_set": "s", "labels_sha256": "l", "image_size": "64x32", "training_seed": 0,
        "training_steps": 100,
        "weights_sha256": "w" * 64, "num_real": 5, "reference_sha256": "r", "folder": "runs/sdm",
    }  # fmt: skip
    return ResultRow(**(fields | changes))


def test_rows_round_trip_in_full_precision(tmp_path: Path) -> None:
    rows = [
        row(),
        row(
            metric="lpips", measure="lpips", spread=0.1, spread_over="label maps", solver="", steps=None, guidance=None,
            training_seed=None, num_real=None, note='a, b "c"\nd',
        ),
    ]  # fmt: skip
    add_rows(tmp_path / "results.csv", rows)
    assert read_rows(tmp_path / "results.csv") == rows


def test_a_newer_measurement_of_the_same_replaces_the_older_one_and_all_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.csv"
    classes = [row(metric="iou", measure="miou", class_name=name, value=0.5) for name in ("road", "sky")]
    add_rows(path, [row(), row(guidance=1.0), *classes])
    add_rows(path, [row(value=2.0)])
    add_rows(path, [classes[0].model_copy(update={"value": 0.25})])
    found = read_rows(path)
    assert [r.value for r in found if r.metric == "fid" and r.guidance == 1.5] == [2.0]
    assert [r.value for r in found if r.guidance == 1.0] == [1 / 3]
    assert [(r.class_name, r.value) for r in found if r.metric == "iou"] == [("road", 0.25)]
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"{path}: iou sky of sdm removed: measured before, and not this time"


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "test"}, {"method": "spade"}, {"variant": "v"}, {"solver": "ddpm"}, {"steps": 50}, {"guidance": 2.0},
        {"training_steps": 200}, {"training_seed": 1}, {"weights_sha256": "x"}, {"sample_set": "t"},
        {"image_size": "128x64"}, {"seeds": "0"}, {"num_images": 4}, {"incomplete": "1 of 5 missing"},
        {"manifest_sha256": "cd"}, {"labels_sha256": "m"}, {"configuration_sha256": "c"}, {"extractor_sha256": "f"},
        {"num_real": 6},
        {"reference_sha256": "q"}, {"protocol": "sdm@1"}, {"protocol_sha256": "q"}, {"dataset": "ade20k"},
        {"track": "text"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_whatever_decides_a_number_keeps_rows_apart(changes: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    add_rows(path, [row()])
    add_rows(path, [row(**changes)])
    assert len(read_rows(path)) == 2
    assert row().id != row(**changes).id


def test_results_from_before_there_were_tracks_are_read_as_of_label_maps_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.csv"
    photographs = row(method=REAL, track="", metric="miou", measure="miou")
    header, *lines = to_csv([row(), photographs]).splitlines()
    place = header.split(",").index("track")
    older = [",".join(cell for k, cell in enumerate(line.split(",")) if k != place) for line in (header, *lines)]
    path.write_text("\n".join(older) + "\n")
    found = read_rows(path)
    assert [(each.method, each.track, each.note) for each in found] == [("sdm", "labels", ""), (REAL, "", "")]
    assert found[0].id == "e601bfff82", "the id that it was stored under"
    assert capsys.readouterr().err == ""
    add_rows(path, [row(value=0.5)])
    assert [(each.track, each.value) for each in read_rows(path)] == [("", 1 / 3), ("labels", 0.5)]

    theirs = row(method="ControlNet")
    line = older[1].replace(row().id, theirs.id).replace(",sdm,", ",ControlNet,")
    path.write_text(f"{older[0]}\n{line}\n")
    assert [each.track for each in read_rows(path)] == ["labels"]
    assert "before there were tracks; ControlNet read as track labels; measure again" in capsys.readouterr().err


def test_where_and_when_decide_nothing() -> None:
    same = row(folder="elsewhere", extractor="./inception", time="2026-01-01", evaluation="x", note="n", version="9")
    assert same.key() == row().key()
    assert same.id == row().id
    assert set(GROUP) & {"folder", "extractor", "time", "evaluation", "note", "version", "value"} == set()


def test_what_is_no_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    broken = to_csv([row(), row(metric="lpips")]).replace(",lpips,,0.333", ",lpips,,many 0.333")
    path.write_text(broken)
    with pytest.raises(UserError, match=r"results\.csv, line 3: not a result row: value: .*number"):
        read_rows(path)
    path.write_text(to_csv([row()]) + "only,three,cells\n")
    with pytest.raises(UserError, match=rf"line 3: not a result row: expected {len(COLUMNS)} cells"):
        read_rows(path)
    path.write_bytes(to_csv([row(note="Straße")]).encode("latin-1"))
    with pytest.raises(UserError, match=r"results\.csv: not a CSV in UTF-8"):
        read_rows(path)
    with pytest.raises(UserError, match="no results there"):
        read_rows(tmp_path / "other.csv")


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity"])
def test_what_is_no_number_is_named_by_its_line(value: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(to_csv([row(), row(metric="kid", value=-123.25)]).replace("-123.25", value))
    with pytest.raises(
        UserError, match=rf"results\.csv, line 3: kid of sdm is {float(value)}; expected a finite number"
    ):
        read_rows(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": "x"}, "seeds: found 'x'; expected numbers like 0"),
        ({"seeds": "0-99999999999"}, "seeds: found '0-99999999999'; expected numbers"),
        ({"num_images": 0}, "num_images: .*greater than or equal to 1"),
        ({"spread": -1.0}, "spread: .*greater than or equal to 0"),
        ({"spread": math.nan}, "spread: .*finite"),
        ({"guidance": math.nan}, "guidance: .*finite"),
        ({"method": ""}, "method: .*at least 1 character"),
    ],
)
def test_what_no_measurement_gives_is_named_by_its_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(to_csv([row(), row().model_copy(update=changes)]))
    with pytest.raises(UserError, match=f"results.csv, line 3: not a result row: .*{message}"):
        read_rows(path)


def test_results_of_another_version_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    older = "id,dataset,split,method,variant,protocol,metric,class_name,value,unit,direction,spread,num_images,seeds"
    path.write_text(f"{older}\n1,cityscapes,val,sdm,,sdm-bench@1,fid,,1.0,,lower,,5,0\n")
    for attempt in (lambda: read_rows(path), lambda: add_rows(path, [row()])):
        with pytest.raises(UserError, match="not the results of this version of the program: it lacks") as caught:
            attempt()
        assert "sample_set" in caught.value.message
        assert "\n" not in caught.value.message
    assert path.read_text().startswith(older)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_cells_that_a_spreadsheet_separated_otherwise_are_called_so(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(to_csv([row()]).replace(",", separator))
    with pytest.raises(UserError, match=r"results\.csv: its cells are separated by '(;|\\t)'; expected commas"):
        read_rows(path)


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    # readers of CSV take the last
    path = tmp_path / "results.csv"
    header, *lines = to_csv([row()]).splitlines()
    path.write_text("\n".join([f"{header},value", *(f"{line},1.0" for line in lines)]))
    with pytest.raises(UserError, match=r"results\.csv: two columns are called 'value'; expected one"):
        read_rows(path)


@pytest.mark.parametrize("seeds", ["01. Feb", "1-Feb", "0 1", "x", "1-"])
def test_seeds_that_a_spreadsheet_took_for_a_date_are_refused(tmp_path: Path, seeds: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(to_csv([row(seeds="0-2")]).replace(",0-2,", f",{seeds},"))
    with pytest.raises(UserError, match=r"results\.csv, line 2: not a result row: seeds: found .*; expected numbers"):
        read_rows(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "results.csv").touch()
    with pytest.raises(UserError, match=r"results\.csv: empty; expected the results"):
        read_rows(tmp_path / "results.csv")


def test_a_line_whose_id_does_not_fit_its_content_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.csv"
    text = to_csv([row(), row(metric="lpips", measure="lpips", value=0.25)])
    path.write_text(text)
    assert len(read_rows(path)) == 2
    changes = [("lpips,,0.25", "lpips,,0.75"), (",sdm-bench@1,p,sdm,", ",sdm-bench@1,p,spade,")]
    for (before, after), line in zip(changes, (3, 2), strict=True):
        assert before in text
        path.write_text(text.replace(before, after, 1))
        found = read_rows(path)
        assert [each.note for each in found] == (["", EDITED] if line == 3 else [EDITED, ""])
        (told,) = capsys.readouterr().err.splitlines()
        assert re.search(rf"results\.csv, line {line}: the id [0-9a-f]{{10}} does not fit", told)
