"""The figures of pictures: compare and samples, of drawn runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.figures.compare import compare
from reports.figures.material import ColumnChoice, Examples, Material
from reports.figures.registry import NothingToDraw
from reports.figures.samples import samples, spread_of
from reports.pictured import of_runs
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized
from sdm_bench.sampling.folders import SampleFolder
from tests.evaluation.measured import make_run, noisy, real_at
from tests.results.test_sample_sets import other_maps


def constant(value: int):  # type: ignore[no-untyped-def]
    return lambda example, seed: np.full((*example.label.shape, 3), value, np.uint8)


def shown(drawing) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    """The pictures of a figure, row by row, at their own size."""
    found = [axes.images[0].get_array() for axes in drawing.figure.axes if axes.images]
    return [np.asarray(each)[:: len(each) // 32, :: len(each) // 32] for each in found]


def headings(drawing) -> str:  # type: ignore[no-untyped-def]
    return " ".join(text.get_text() for text in drawing.figure.texts)


def test_each_column_shows_its_run(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    runs = [
        make_run(tmp_path / str(value), real, [0], constant(value), data=str(toy_cityscapes)) for value in (10, 200)
    ]
    (drawing,) = compare(Material([], pictured=of_runs(runs), examples=Examples(count=2)))
    pictures = shown(drawing)
    assert drawing.name == "compare"
    colors = ClassTable.shipped("cityscapes").colors
    for row, name in enumerate(drawing.data["id"].unique()):
        example = next(each for each in real if each.id == name)
        expected = [colors[example.label], example.image, constant(10)(example, 0), constant(200)(example, 0)]
        assert all(np.array_equal(*pair) for pair in zip(pictures[4 * row : 4 * row + 4], expected, strict=True))
    assert drawing.data["run"].tolist() == ["10", "200"] * 2
    assert not drawing.data["missing"].any()
    names = [real.dataset.classes.names[place] for place in np.unique(real[0].label)]
    assert "road" in names
    assert "road" in headings(drawing)


def test_columns_stand_as_the_user_said_and_headings_differ(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    runs = [
        make_run(tmp_path / name, real, [0], constant(1), data=str(toy_cityscapes), **about)
        for name, about in {
            "a": {"training_seed": 0, "weights_sha256": "a" * 64},
            "b": {"training_seed": 1, "weights_sha256": "b" * 64},
            "c": {"guidance": 2.0},
        }.items()
    ]
    (drawing,) = compare(Material([], pictured=of_runs(runs), examples=Examples(count=1)))
    assert len(set(drawing.data["column"])) == 3
    assert any("training seed 1" in each for each in drawing.data["column"])
    assert any("s=2" in each for each in drawing.data["column"])
    chosen = [ColumnChoice(str(runs[2]), "ours"), ColumnChoice("a")]
    (drawing,) = compare(Material([], pictured=of_runs(runs), examples=Examples(count=1), columns=chosen))
    assert drawing.data["run"].tolist() == ["c", "a"]
    assert drawing.data["column"].iloc[0] == "ours"
    with pytest.raises(UserError, match="--column d: no such run; expected one of"):
        compare(Material([], pictured=of_runs(runs), columns=[ColumnChoice("d")]))
    with pytest.raises(UserError, match="--column a: given twice"):
        compare(Material([], pictured=of_runs(runs), columns=[ColumnChoice("a"), ColumnChoice("a")]))


def test_runs_of_different_splits_and_label_maps_have_figures_of_their_own(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real, others = real_at(toy_cityscapes), other_maps(toy_cityscapes, tmp_path / "others")
    train = Resized(open_dataset("cityscapes", toy_cityscapes, "train"), real.transform)
    runs = [
        make_run(tmp_path / "val", real, [0], constant(1), data=str(toy_cityscapes)),
        make_run(tmp_path / "train", train, [0], constant(2), data=str(toy_cityscapes), split="train"),
        make_run(tmp_path / "other", real_at(others), [0], constant(3), data=str(others)),
    ]
    names = [each.name for each in compare(Material([], pictured=of_runs(runs), examples=Examples(count=1)))]
    assert len(set(names)) == 3
    assert "compare-cityscapes-train-64x32" in names


def test_label_maps_that_are_gone_are_not_replaced_by_others(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, others = real_at(toy_cityscapes), other_maps(toy_cityscapes, tmp_path / "others")
    run = make_run(tmp_path / "run", real, [0], constant(1), data=str(others))
    with pytest.raises(NothingToDraw, match=r"compare left out: .*no longer have the label maps"):
        compare(Material([], pictured=of_runs([run])))
    whole = make_run(tmp_path / "whole", real, [0], constant(2), data=str(toy_cityscapes))
    (drawing,) = compare(Material([], pictured=of_runs([run, whole]), examples=Examples(count=1)))
    assert drawing.data["run"].tolist() == ["run", "whole"]
    with pytest.raises(NothingToDraw, match="no samples in any of the runs"):
        compare(Material([]))


def test_a_sample_that_was_not_made_is_said_and_one_of_another_size_refused(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], constant(1), data=str(toy_cityscapes))
    file = SampleFolder(run).sample(real[0].id, 0)
    file.unlink()
    asked = Material([], pictured=of_runs([run]), examples=Examples(ids=[real[0].id]))
    assert compare(asked)[0].data["missing"].tolist() == [True]
    other = make_run(tmp_path / "large", real, [0], lambda *_: np.zeros((8, 8, 3), np.uint8), data=str(toy_cityscapes))
    with pytest.raises(UserError, match=r"large: \w+, seed 0: 8x8 pixels; expected 64x32"):
        compare(Material([], pictured=of_runs([other])))


def test_samples_show_the_spread_over_all_of_them(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "sdm", real, [0, 1, 2], noisy, data=str(toy_cityscapes))
    one = make_run(tmp_path / "one", real, [0], noisy, data=str(toy_cityscapes), method="spade", guidance=None)
    (drawing,) = samples(Material([], pictured=of_runs([run, one]), examples=Examples(count=2)))
    assert "SPADE left out: one sample" in capsys.readouterr().err
    for record in drawing.data.itertuples():
        pictures = [noisy(next(each for each in real if each.id == record.id), seed) for seed in (0, 1, 2)]
        expected = np.std(np.stack(pictures).astype(float), axis=0, ddof=1).mean()
        assert record.mean_spread == pytest.approx(expected, rel=1e-12)
        assert record.samples == 3
    with pytest.raises(NothingToDraw, match="no run with two samples"):
        samples(Material([], pictured=of_runs([one])))


def test_the_spread_of_two_samples() -> None:
    dark, light = np.zeros((1, 2, 3), np.uint8), np.array([[[0, 0, 0], [30, 0, 0]]], np.uint8)
    # a channel of 0 and 30 has a standard deviation of 30 / sqrt(2)
    assert spread_of([dark, light]) == pytest.approx(np.array([[0, 10 / 2**0.5]]))


def test_files_are_the_same_each_time_and_hold_the_data(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], constant(1), data=str(toy_cityscapes))
    asked = Material([], pictured=of_runs([run]), examples=Examples(count=1))
    first, second = (compare(asked)[0].files(["png", "pdf", "svg"]) for _ in range(2))
    assert list(first) == ["compare.png", "compare.pdf", "compare.svg", "compare.csv"]
    assert first == second
    (tmp_path / "data.csv").write_bytes(first["compare.csv"])
    assert pd.read_csv(tmp_path / "data.csv")["run"].tolist() == ["run"]
    assert str(tmp_path).encode() not in first["compare.csv"]
