"""A dataset of one's own from its pictures to a table, under its name: 4:3, ids of 16 bits with gaps, 255 ignored."""

from pathlib import Path

import pytest

from examples.camvid_like import CLASSES, write_camvid_like
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.verify import verify
from sdm_bench.results.rows import read_rows
from sdm_bench.sampling.folders import SampleFolder
from tests.commands.test_commands import sdm_bench

FEW = ("--steps", 2, "--batch-size", 2, "--grid-every", 99, "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("camvid")
    write_camvid_like(root, {"train": 3, "val": 2}, (48, 64))
    return root


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of a diffusion model, sampled, and of a segmenter."""
    folder = tmp_path_factory.mktemp("runs")
    where = ("--dataset", "folder", "--data", data, "--preset", "toy", *FEW)
    sdm_bench("train", "sdm", *where, "--image-size", "64x48", "--out", folder / "sdm")
    sdm_bench("segment", "train", "unet", *where, "--image-size", 48, "--out", folder / "unet")
    sdm_bench("generate", folder / "sdm", "--solver-steps", 2, "--device", "cpu")
    return folder


def test_the_example_is_whole(data: Path) -> None:
    report = verify("folder", data)
    assert report.ok
    assert (report.name, report.splits[0].label_sizes) == ("camvid-like", {(64, 48): 3})
    dataset = Folder(data, "train")
    assert dataset.class_file.ids == tuple(value for value, *_ in CLASSES)
    assert dataset[0].label.max() == len(CLASSES)  # the ignored class is the last


def test_rows_and_tables_bear_its_name(data: Path, runs: Path) -> None:
    sdm_bench("evaluate", runs / "sdm", "--metric", "miou", "--segmenter", runs / "unet", "--device", "cpu")
    rows = read_rows(runs / "sdm/results.csv")
    assert {(row.dataset, row.image_size) for row in rows} == {("camvid-like", "64x48")}
    assert "ignored" not in {row.class_name for row in rows}
    sdm_bench("report", runs / "sdm", "--out", runs / "report")
    assert "| camvid-like | sdm-bench@1 | labels | SDM |" in (runs / "report/comparison.md").read_text()


def test_samples_are_not_guided_by_a_null_label_that_was_not_learnt(runs: Path) -> None:
    assert SampleFolder(runs / "sdm").options().guidance == 1.0


def test_a_dataset_of_another_name_or_other_classes_is_another(data: Path, runs: Path, tmp_path: Path) -> None:
    write_camvid_like(tmp_path, {"val": 2}, (48, 64))
    table = tmp_path / "classes.yaml"
    text = table.read_text()
    table.write_text(text.replace("camvid-like", "other"))
    again = ("generate", runs / "sdm", "--data", tmp_path, "--solver-steps", 2, "--out", tmp_path / "out")
    output = sdm_bench(*again, "--dataset", "folder", code=2).output
    assert f"{tmp_path}: other; {runs / 'sdm'}" in output
    assert "was trained on camvid-like" in output
    assert "calls it 'other'" in sdm_bench(*again, code=2).output
    segmenter = ("--metric", "miou", "--segmenter", runs / "unet", "--device", "cpu", "--out", tmp_path / "r.csv")
    measured = ("evaluate", runs / "sdm", "--data", tmp_path, *segmenter)
    assert "calls it 'other'" in sdm_bench(*measured, code=2).output
    assert "are of camvid-like" in sdm_bench(*measured, "--dataset", "folder", code=2).output
    table.write_text(text.replace("name: sky", "name: heaven"))
    assert "camvid-like with other classes than" in sdm_bench(*again, code=2).output
    assert "samples of other label maps" in sdm_bench(*measured, code=2).output


def test_sizes_that_do_not_fit_are_refused_with_those_that_do(data: Path, tmp_path: Path) -> None:
    asked = ("train", "sdm", "--dataset", "camvid-like", "--data", data, "--preset", "paper", *FEW, "--out", tmp_path)
    output = sdm_bench(*asked, code=2).output
    assert "pictures of 64x48 pixels: sdm needs multiples of 32; the nearest are --image-size 64x32 or 64x64" in output
    assert "expected pixels of the short side" in sdm_bench(*asked, "--image-size", "wide", code=2).output
    assert "expected WIDTHxHEIGHT" in sdm_bench(*asked, "--image-size", "64x", code=2).output
