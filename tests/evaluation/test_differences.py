"""Differences of sets of pictures: their values are those of `evaluate`, and what does not pair is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.differences import Comparison, Difference, differences
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.miou import MeanIoU
from sdm_bench.results.rows import REAL
from sdm_bench.toy import write_toy
from tests.evaluation.measured import make_run, noisy, real_at

METRICS = ("fid", "lpips", "miou")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few scenes of toy streets."""
    root = tmp_path_factory.mktemp("scenes")
    write_toy("cityscapes", root, {"val": 6}, (32, 64))
    return root


def noisier(example: Example, seed: int) -> np.ndarray:
    """The photograph with much more noise."""
    return noisy(example, seed + 4)


def pair(root: Path, folder: Path, seeds: tuple[int, ...] = (0, 1)) -> list[Evaluation]:
    """A run with little noise and one with much."""
    real = real_at(root)
    runs = [
        make_run(folder / name, real, [*seeds], draw, data=str(root))
        for name, draw in (("clean", noisy), ("noisy", noisier))
    ]
    return [Evaluation(METRICS, run=each, stored=False, segmenter="toy") for each in runs]


def by_metric(found: list[Difference]) -> dict[str, Difference]:
    return {each.metric: each for each in found}


def test_values_are_those_of_evaluate_and_the_interval_holds_the_difference(scenes: Path, tmp_path: Path) -> None:
    sets = pair(scenes, tmp_path)
    found = by_metric(differences(Comparison(sets, METRICS, segmenter="toy", resamples=60)))
    measured = [{row.metric: row.value for row in evaluate(each)[0] if row.method != REAL} for each in sets]
    for title, name in (("FID", "fid"), ("LPIPS", "lpips"), ("mIoU", "miou")):
        each = found[title]
        assert (each.first_value, each.second_value) == pytest.approx([values[name] for values in measured], rel=1e-6)
        assert each.difference.value == pytest.approx(each.second_value - each.first_value)
        assert each.difference.low < each.difference.value < each.difference.high
        assert each.examples == 6
    assert found["LPIPS"].difference.excludes_zero


def test_groups_that_a_protocol_counts_as_one_are_counted_so(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = MeanIoU.stated

    def in_one(self: MeanIoU, *asked: Any) -> Any:
        return stated(self, *asked).model_copy(update={"groups": "corpus"})

    monkeypatch.setattr(MeanIoU, "stated", in_one)
    sets = [replace(each, metrics=["miou"]) for each in pair(scenes, tmp_path)]
    (found,) = differences(Comparison(sets, ["miou"], segmenter="toy", resamples=50))
    measured = [
        next(row.value for row in evaluate(each)[0] if (row.metric, row.method != REAL) == ("miou", True))
        for each in sets
    ]
    assert (found.first_value, found.second_value) == pytest.approx(measured)


def test_sets_are_called_by_what_tells_them_apart(scenes: Path, tmp_path: Path) -> None:
    real = real_at(scenes)
    made: dict[str, dict[str, Any]] = {
        "plain": {},
        "slow": {"solver_steps": 50},
        "again": {"solver_steps": 50, "training_seed": 7},
        "copy": {"solver_steps": 50, "training_seed": 7},
    }
    runs = [make_run(tmp_path / name, real, [0], noisy, data=str(scenes), **more) for name, more in made.items()]
    runs.append(make_run(tmp_path / "seeds", real, [0, 1], noisy, data=str(scenes)))
    found = differences(Comparison([Evaluation(["fid"], run=each) for each in runs], ["fid"], resamples=50))
    titles = [found[0].first, *(each.second for each in found)]
    assert len(set(titles)) == len(runs), titles
    assert all("seeds" in title for title in titles)
    for title, part in zip(
        titles[1:], ("50 steps", "training seed 7", str(tmp_path / "copy"), "seeds 0-1"), strict=True
    ):
        assert part in title
    plain = differences(
        Comparison([Evaluation(["fid"], run=each) for each in (runs[0], runs[1])], ["fid"], resamples=50)
    )
    assert "seed" not in plain[0].first


def test_a_set_does_not_differ_from_itself(scenes: Path, tmp_path: Path) -> None:
    first = pair(scenes, tmp_path)[0]
    for each in differences(Comparison([first, first], METRICS, segmenter="toy", resamples=50)):
        assert tuple(each.difference) == (0, 0, 0)


def test_somebodys_pictures_are_compared_too(scenes: Path, tmp_path: Path) -> None:
    sets = pair(scenes, tmp_path, seeds=(0,))
    assert sets[1].run is not None
    theirs = Evaluation(
        ["fid"], images=sets[1].run / "samples", where=DatasetSplit("cityscapes", scenes), name="theirs"
    )
    (found,) = differences(Comparison([sets[0], theirs], ["fid"], resamples=50))
    assert found.second == "theirs"


def test_what_does_not_pair_is_refused(scenes: Path, tmp_path: Path) -> None:
    sets = pair(scenes, tmp_path)
    with pytest.raises(UserError, match="expected at least two sets"):
        differences(Comparison(sets[:1], ["fid"]))
    with pytest.raises(UserError, match="--metric kid: no difference of it is measured; expected fid, lpips, miou"):
        differences(Comparison(sets, ["kid"]))
    with pytest.raises(UserError, match="--segmenter toy: does nothing without --metric miou"):
        differences(Comparison(sets, ["fid"], segmenter="toy"))
    with pytest.raises(UserError, match="oasis@2: its distance is not to the photographs"):
        differences(Comparison(sets, ["fid"], protocol="oasis@2"))
    write_toy("cityscapes", tmp_path / "others", {"val": 6}, (32, 64), seed=9)
    other = pair(tmp_path / "others", tmp_path / "other")[0]
    with pytest.raises(UserError, match="of other label maps than"):
        differences(Comparison([sets[0], other], ["fid"]))
    with pytest.raises(UserError, match="sdm@1: its LPIPS is a mean over batches"):
        differences(Comparison(sets, ["lpips"], protocol="sdm@1"))


def test_sets_of_other_sizes_and_tracks_are_refused(scenes: Path, tmp_path: Path) -> None:
    sets = pair(scenes, tmp_path, seeds=(0,))
    smaller = make_run(
        tmp_path / "smaller", real_at(scenes, (16, 32)), [0], noisy, data=str(scenes), image_size=(16, 32)
    )
    with pytest.raises(UserError, match=r"smaller.*: size 32x16; .*clean has 64x32; expected the same"):
        differences(Comparison([sets[0], Evaluation(["fid"], run=smaller)], ["fid"]))
    assert sets[1].run is not None
    where = DatasetSplit("cityscapes", scenes)
    prompted = Evaluation(["fid"], images=sets[1].run / "samples", where=where, name="prompted", track="text")
    with pytest.raises(UserError, match=r"track text; .* has labels; expected the same"):
        differences(Comparison([sets[0], prompted], ["fid"]))
