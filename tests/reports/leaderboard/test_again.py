"""Samples of a bundle are measured again where that can be done; where it can't, that is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.leaderboard.again import findings, measured_again
from reports.leaderboard.check import check
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import REAL
from tests.reports.leaderboard.made import (
    bundled,
    copied,
    measured_pictures,
    sealed,
    set_folder,
    somebody,
    untrained,
    with_rows,
)


@pytest.fixture(autouse=True)
def networks(untrained_cache: Path) -> Iterator[None]:
    with untrained(untrained_cache):
        yield


def test_numbers_that_were_made_up_are_found_by_measuring_again(bundle: Path, toy_cityscapes: Path) -> None:
    changes: dict[str, dict[str, Any]] = {
        "fid": {"value": 1.5},
        "lpips": {"spread": 0.5},
        "miou": {"extractor_sha256": "0" * 64},
        "kid": {"reference_sha256": "0" * 64},
    }
    honest = {path: path.stat().st_mtime_ns for path in bundle.rglob("*")}
    with_rows(bundle, lambda row: changes.get(row.metric, {}) if row.method != REAL else {})
    found, again = findings(bundle, {"": toy_cityscapes}, device="cpu")
    assert found.wrong == []
    assert again.absent == []
    assert len(again.differing) == 4
    for text in (
        "fid of sdm under sdm-bench@1: value 1.5; measured again ",
        "spread 0.5",
        "extractor_sha256 '000",
        "refer",
    ):
        assert any(text in line for line in again.differing), text
    assert {*bundle.rglob("*")} == {*honest}, "measuring again leaves nothing behind"


def test_honest_numbers_are_the_same(whole: Path, toy_cityscapes: Path) -> None:
    found, again = findings(whole, {"cityscapes": toy_cityscapes}, device="cpu")
    assert (again.differing, again.absent) == ([], [])
    assert {row.measure for row in found.rows} == {"fid", "lpips", "miou"}


def test_somebodys_pictures_are_measured_again(
    run: Path, home: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path
) -> None:
    images = run / "samples/seed-001"
    out = measured_pictures(images, toy_cityscapes, untrained_cache, "theirs", tmp_path / "their.csv")
    with somebody(home, run.parent):
        made = bundled([out], tmp_path / "bundle")
    assert findings(made, {"": toy_cityscapes}, device="cpu")[1] == ([], [])
    with_rows(made, lambda row: {"value": row.value + 1} if row.metric == "fid" else {})
    ((line,), absent) = findings(made, {"": toy_cityscapes}, device="cpu")[1]
    assert "fid of theirs under sdm-bench@1: value" in line
    assert absent == []


def test_what_is_wrong_comes_before_measuring(bundle: Path, toy_cityscapes: Path) -> None:
    (bundle / "system.json").unlink()
    _, again = findings(bundle, {"": toy_cityscapes})
    assert "system.json: missing" in again.differing
    assert again.absent == ["all numbers: what is wrong comes first"]


def test_what_is_not_there_is_said(bundle: Path, toy_cityscapes: Path) -> None:
    assert findings(bundle)[1] == ([], ["all numbers: --data says where the reference pictures are"])
    elsewhere = measured_again(check(bundle), {"ade20k": toy_cityscapes})
    assert elsewhere.differing == []
    assert len(elsewhere.absent) == 3
    assert all(line.endswith("): --data says nothing of cityscapes") for line in elsewhere.absent)
    for path in set_folder(bundle).rglob("*.png"):
        path.unlink()
    sealed(bundle)
    assert findings(bundle)[1] == ([], ["all numbers: no samples in the bundle"])
    absent = measured_again(check(bundle), {"": toy_cityscapes}).absent
    assert len(absent) == 3
    assert all(line.endswith("): no samples in the bundle") for line in absent)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("segmenter", "mmseg:evil.py,x.pth", r"its segmenter mmseg:evil.py,x.pth is a file; --segmenter says where"),
        ("statistics", "theirs.npz", "measured with the statistics theirs.npz, which no bundle holds"),
    ],
)
def test_files_that_a_bundle_names_are_never_opened(
    field: str,
    value: str,
    text: str,
    whole: Path,
    toy_cityscapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    (tmp_path / "x.pth").write_bytes(b"x")
    measure = {"segmenter": "miou", "statistics": "fid"}[field]
    made = check(whole)
    made.rows = [row for row in made.rows if row.measure == measure]
    for record in made.records.values():
        record[field] = value
        record["arguments"][field] = value
    again = measured_again(made, {"": toy_cityscapes}, device="cpu")
    assert again.differing == []
    (line,) = again.absent
    assert text in line


def test_other_data_than_were_measured_are_found(whole: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    data = copied(toy_cityscapes, tmp_path / "data")
    path = min((data / "gtFine/val").rglob("*labelIds.png"))
    path.write_bytes(max((data / "gtFine/val").rglob("*labelIds.png")).read_bytes())
    again = findings(whole, {"": data}, device="cpu")[1]
    assert again.absent == []
    assert all("samples of other label maps than those in" in line for line in again.differing)
    assert again.differing


def test_data_of_no_dataset_of_the_bundle_are_refused(bundle: Path, toy_cityscapes: Path) -> None:
    with pytest.raises(UserError, match=r"--data coco_stuff=DIR: the bundle has no numbers of it; it has cityscapes"):
        findings(bundle, {"cityscapes": toy_cityscapes, "coco_stuff": toy_cityscapes})
