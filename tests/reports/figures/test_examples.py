"""Which label maps figures show."""

from pathlib import Path

import numpy as np
import pytest

from reports.figures.examples import check_way, chosen, evenly
from reports.figures.material import Examples, Material
from reports.figures.registry import NothingToDraw
from reports.pictured import of_runs
from sdm_bench.base.errors import UserError
from sdm_bench.results.per_image import PerImage, add_per_image
from sdm_bench.results.sample_sets import open_run
from tests.evaluation.measured import make_run, noisy, real_at


def test_evenly_takes_cities_then_sequences_and_no_neighbouring_frames() -> None:
    video = [f"frankfurt_{sequence:06d}_{frame:06d}" for sequence in (0, 1) for frame in range(200)]
    others = [f"lindau_{sequence:06d}_000019" for sequence in range(59)]
    others += [f"munster_{sequence:06d}_000019" for sequence in range(174)]
    picked = evenly(video + others, 6)
    assert [name.split("_")[0] for name in picked] == ["frankfurt"] * 2 + ["lindau"] * 2 + ["munster"] * 2
    assert [name.split("_")[1] for name in picked[:2]] == ["000000", "000001"]
    assert picked[:1] == ["frankfurt_000000_000100"]
    assert evenly(video, 1) == ["frankfurt_000001_000100"]
    frames = [int(name.rpartition("_")[2]) for name in evenly(video[:200], 4)]
    assert frames == [25, 75, 125, 175]


def test_evenly_takes_each_id_once_and_as_many_as_there_are() -> None:
    ids = [f"{number:08d}" for number in range(10)]
    assert evenly(ids, 5) == [ids[place] for place in (1, 3, 5, 7, 9)]
    assert evenly(ids, 10) == evenly(ids, 99) == ids
    uneven = ["a_1", "b_1", "b_2", "b_3", "b_4"]
    assert evenly(uneven, 4) == ["a_1", "b_1", "b_3", "b_4"]
    assert "a_1" in evenly(uneven, 2)


def test_ids_are_taken_in_the_order_given_and_unknown_ones_refused(toy_cityscapes: Path) -> None:
    real = real_at(toy_cityscapes)
    ids = [record.id for record in real.dataset.records]
    asked = Material([], examples=Examples(ids=[ids[3], ids[0]]))
    assert chosen(asked, real, [], 6) == [3, 0]
    with pytest.raises(UserError, match=r"Unknown example '.*x'\. Did you mean"):
        chosen(Material([], examples=Examples(ids=[f"{ids[0]}x"])), real, [], 6)


def test_a_class_takes_the_label_maps_that_show_most_of_it(toy_cityscapes: Path) -> None:
    real = real_at(toy_cityscapes)
    road = real.dataset.classes.names.index("road")
    shares = [(real.dataset.label(record) == road).mean() for record in real.dataset.records]
    found = chosen(Material([], examples=Examples("class:road", count=3)), real, [], 6)
    assert found == np.argsort(-np.array(shares), kind="stable")[:3].tolist()
    with pytest.raises(UserError, match=r"Unknown class 'raod'\. Did you mean 'road'"):
        chosen(Material([], examples=Examples("class:raod")), real, [], 6)
    with pytest.raises(UserError, match="class:rail track: no label map of the val split shows it"):
        chosen(Material([], examples=Examples("class:rail track")), real, [], 6)


def test_worst_and_best_go_by_mean_iou_of_single_pictures(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy, data=str(toy_cityscapes))
    digest = open_run(run, real.dataset).digest
    values = [0.5, 0.1, 0.9, 0.3, 0.7]
    numbers = [
        PerImage(
            "cityscapes", "val", "sdm", "", "ddim", 2, 1.0, digest, "p@1", "p", "miou", "e", "miou", 0, record.id, value
        )
        for record, value in zip(real.dataset.records, values, strict=True)
    ]
    material = Material([], [run], examples=Examples("worst", count=2))
    with pytest.raises(NothingToDraw, match="--examples worst: no mean IoU of single pictures"):
        chosen(material, real, of_runs([run]), 6)
    add_per_image(run / "per-image.csv", [each._replace(value=float("nan")) for each in numbers])
    with pytest.raises(NothingToDraw, match="no mean IoU of single pictures"):
        chosen(material, real, of_runs([run]), 6)
    add_per_image(run / "per-image.csv", numbers)
    assert chosen(material, real, of_runs([run]), 6) == [1, 3]
    assert chosen(Material([], [run], examples=Examples("best", count=2)), real, of_runs([run]), 6) == [2, 4]


@pytest.mark.parametrize("way", ["", "class:", "wrost", "Evenly"])
def test_a_way_that_there_is_not_is_refused(way: str) -> None:
    with pytest.raises(UserError, match="expected evenly, worst, best or class:NAME"):
        check_way(way)
