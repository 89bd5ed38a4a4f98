"""Mean IoU and its ceiling, in closed form and against arrays that are resized here."""

import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_png
from sdm_bench.datasets.base import ClassTable, Example
from sdm_bench.datasets.maps import read_map
from sdm_bench.datasets.transforms import resize_map
from sdm_bench.evaluation import miou
from sdm_bench.evaluation.context import SharedWork
from sdm_bench.evaluation.metric import metric
from sdm_bench.evaluation.scoring import MIoUSection, SegmentationScorer
from sdm_bench.metrics.images import folder_source
from sdm_bench.metrics.miou import confusion_matrix, mean_iou
from sdm_bench.protocols.protocols import protocol
from sdm_bench.results.sample_sets import open_images, open_run
from sdm_bench.weights.store import CACHE_VARIABLE
from segmenters.preprocessing import enlarged
from tests.evaluation.measured import SIZE, make_run, measure, noisy, real_at


def classes(example: Example) -> np.ndarray:
    shown: np.ndarray = ClassTable.shipped("cityscapes").evaluate_as[example.label]
    return shown


def as_label(example: Example, seed: int) -> np.ndarray:
    """A picture that shows the evaluated class in every channel; seed 1 is wrong in the left half."""
    shown = classes(example).copy()
    if seed == 1:
        shown[:, : SIZE[1] // 2] = 0
    return np.repeat(shown[..., None], 3, axis=2)


class Reader:
    """Reads the class off the picture's red channel; counts the pictures that its network has seen."""

    name, sha256 = "reader", "0" * 64
    seen: ClassVar[int] = 0

    def prepare(self, image: np.ndarray, size: tuple[int, int] | None, kernel: str, short_sides: object) -> list:
        picture = image if size is None else np.asarray(enlarged(image, size, kernel))
        return [torch.from_numpy(picture[None, ..., 0].copy())]

    def scores(self, passes: list) -> list:
        Reader.seen += len(passes[0])
        return passes

    def classes(self, scores: list, sizes: list[tuple[int, int]], corners: bool) -> list[np.ndarray]:
        shown = [picture[0].numpy() % 19 for picture in scores[0]]
        return [resize_map(each, size).astype(np.uint8) for each, size in zip(shown, sizes, strict=True)]


@pytest.fixture(autouse=True)
def reading_segmenter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A segmenter that reads the class off the picture, and a cache of the test's own."""
    monkeypatch.setattr(miou, "segmenter_of", lambda context, section: Reader())
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def test_miou_in_closed_form(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    measured = measure(make_run(tmp_path / "run", real, [0, 1], as_label), real, "miou")
    rows = measured.rows
    truth = np.stack([classes(example) for example in real])
    predicted = truth.copy()
    predicted[:, :, : SIZE[1] // 2] = 0
    expected = {}
    for index in sorted(set(truth[truth != 255].tolist())):
        kept = truth != 255
        union = ((truth == index) | (predicted == index)) & kept
        expected[index] = ((truth == index) & (predicted == index))[kept].sum() / union.sum()
    headline = rows[0]
    assert headline.value == pytest.approx((1 + np.mean(list(expected.values()))) / 2)
    assert (headline.unit, headline.extractor, headline.extractor_sha256) == ("fraction", "reader", "0" * 64)
    road = next(row for row in rows if row.class_name == "road")
    assert road.value == pytest.approx((1 + expected[0]) / 2)
    accuracy = next(row for row in rows if row.metric == "accuracy")
    assert accuracy.value == pytest.approx((1 + (truth == predicted)[truth != 255].mean()) / 2)
    assert len([row for row in rows if row.method != "real photographs"]) == 3 + len(expected)
    first = next(each for each in measured.per_image if each.seed == 1 and each.id == real[0].id)
    alone = confusion_matrix(truth[0], predicted[0], 19)
    assert (first.metric, first.protocol, first.value) == ("miou", "sdm-bench@1", mean_iou(alone))
    assert len(measured.per_image) == 2 * len(real)


def test_the_ceiling_is_that_of_the_photographs_and_what_lies_above_is_marked(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], as_label, training_note="trained without something")
    rows = measure(run, real, "miou").rows
    ceiling = next(row for row in rows if row.method == "real photographs" and row.metric == "miou")
    truth = np.stack([classes(example) for example in real])
    read = np.stack([example.image[..., 0] % 19 for example in real if example.image is not None])
    assert ceiling.value == pytest.approx(mean_iou(confusion_matrix(truth, read, 19)))
    assert (ceiling.solver, ceiling.seeds, ceiling.weights_sha256, ceiling.note) == ("", "", "", "")
    assert (ceiling.image_size, ceiling.split, ceiling.extractor) == ("64x32", "val", "reader")
    assert rows[0].value == 1
    assert rows[0].note == f"trained without something; above the ceiling of real photographs, {ceiling.value:.4f}"
    assert {row.group() for row in rows} == {rows[0].group(), ceiling.group()}
    (cached,) = (tmp_path / "cache" / "ceilings").iterdir()
    before = cached.stat().st_mtime_ns
    measure(run, real, "miou")
    assert cached.stat().st_mtime_ns == before


def test_ceilings_of_other_sizes_are_other_rows(toy_cityscapes: Path, tmp_path: Path) -> None:
    ceilings = []
    for size in ((32, 64), (16, 32)):
        real = real_at(toy_cityscapes, size)
        run = make_run(tmp_path / str(size), real, [0], lambda example, seed: example.image, image_size=size)
        ceilings.append(next(row for row in measure(run, real, "miou").rows if row.method == "real photographs"))
    assert [row.image_size for row in ceilings] == ["64x32", "32x16"]
    assert ceilings[0].key() != ceilings[1].key()


def test_a_ceiling_belongs_to_its_label_maps_and_classes(toy_cityscapes: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_cityscapes, tmp_path / "data")
    ceilings = []
    for mirrored in (False, True):
        if mirrored:
            for path in (tmp_path / "data" / "gtFine" / "val").rglob("*labelIds.png"):
                write_png(path, read_map(path)[:, ::-1].copy())
        real = real_at(tmp_path / "data")
        run = make_run(tmp_path / str(mirrored), real, [0], lambda example, seed: example.image)
        ceilings.append(next(row for row in measure(run, real, "miou").rows if row.method == "real photographs"))
    first, second = ceilings
    assert first.sample_set == second.sample_set
    assert first.value != second.value
    assert first.group() != second.group()


def test_label_maps_that_change_under_the_measurement_are_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_cityscapes, tmp_path / "data")
    real = real_at(tmp_path / "data")
    samples = open_run(make_run(tmp_path / "run", real, [0], as_label), real.dataset)
    path = real.dataset.records[0].label
    write_png(path, read_map(path)[:, ::-1].copy())
    with pytest.raises(UserError, match="label maps changed while they were read"):
        measure(samples, real, "miou")
    assert not (tmp_path / "cache" / "ceilings").exists()


def test_kept_predictions_are_read_again(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], as_label)
    kept = tmp_path / "kept"
    first = measure(run, real, "miou", predictions=kept)
    seen = Reader.seen
    folders = list(kept.iterdir())
    assert [len(list(folder.glob("*.png"))) for folder in folders] == [len(real)] * 3
    again = measure(run, real, "miou", predictions=kept)
    assert Reader.seen == seen
    assert [row.value for row in again.rows] == [row.value for row in first.rows]
    next(folders[0].glob("*.png")).unlink()
    measure(run, real, "miou", predictions=kept)
    assert Reader.seen in (seen, seen + 1)
    measure(run, real, "miou", "full-size@1", predictions=kept)
    assert Reader.seen > seen + 1


def test_kept_predictions_that_are_not_what_was_kept_are_made_again(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], as_label)
    kept = tmp_path / "kept"
    first = measure(run, real, "miou", predictions=kept)
    pictures = folder_source(run / "samples" / "seed-000").manifest
    folders = sorted(kept.iterdir(), key=lambda folder: read_json(folder / "about.json")["pictures"] != pictures)
    names = sorted(path.name for path in folders[0].glob("*.png"))
    before = {path: path.read_bytes() for path in kept.rglob("*.png")}
    zeroed, emptied, shrunk, swapped, from_others = (folders[0] / name for name in names)
    write_png(zeroed, np.zeros(SIZE, np.uint8))
    emptied.write_bytes(b"")
    write_png(shrunk, np.zeros((4, 4), np.uint8))
    swapped.write_bytes(before[zeroed])
    from_others.write_bytes((folders[1] / from_others.name).read_bytes())
    seen = Reader.seen
    capsys.readouterr()
    again = measure(run, real, "miou", predictions=kept)
    assert [row.value for row in again.rows] == [row.value for row in first.rows]
    assert Reader.seen == seen + len(names)
    assert {path: path.read_bytes() for path in kept.rglob("*.png")} == before
    talk = capsys.readouterr().err
    assert [talk.count(f"{path}: ") for path in (zeroed, emptied, shrunk, swapped, from_others)] == [1] * 5
    assert talk.count("; segmenting the picture again") == 5


def test_a_picture_is_segmented_once_for_each_different_input(toy_cityscapes: Path, tmp_path: Path) -> None:
    """sdm-bench@1 and oasis@1 feed the network alike, full-size@1 does not; values are those of measuring alone."""
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], as_label)
    names = ("sdm-bench@1", "oasis@1", "full-size@1")
    alone = [measure(run, real, "miou", name).rows[0].value for name in names]
    shared = SharedWork({"miou": [metric("miou").stated(protocol(name), "cityscapes") for name in names]})
    for file in (tmp_path / "cache" / "ceilings").iterdir():
        file.unlink()
    Reader.seen = 0
    together = [measure(run, real, "miou", name, shared=shared).rows[0].value for name in names]
    assert together == alone
    sets, inputs = 3, 2  # two seeds and the photographs
    assert Reader.seen == sets * inputs * len(real)


def test_a_protocol_decides_sizes_and_classes(toy_cityscapes: Path, tmp_path: Path) -> None:
    """Against the confusion of arrays that are resized here, under all sections in one go where inputs are alike."""
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], as_label)
    source = folder_source(run / "samples/seed-000")
    pictures = {name: source.read(index) for index, name in enumerate(source.ids)}
    table = real.dataset.classes

    def section(**about: Any) -> MIoUSection:
        return MIoUSection(average="union", **about)

    expected = np.zeros((19, 19), np.int64)
    every = np.zeros((35, 35), np.int64)
    small = np.zeros((19, 19), np.int64)
    raw = np.flatnonzero(table.evaluate_as != 255)
    for record in real.dataset.records:
        label, shown = real.dataset.label(record), pictures[record.id][..., 0] % 19
        large = np.asarray(enlarged(pictures[record.id], label.shape, "nearest"))[..., 0] % 19
        expected += confusion_matrix(table.evaluate_as[label], large, 19)
        at_size = resize_map(label, SIZE)
        every += confusion_matrix(at_size, raw[shown], 35, None)
        small += confusion_matrix(
            table.evaluate_as[resize_map(at_size, (16, 16))], resize_map(shown, (16, 16)).astype(np.uint8), 19
        )
    scorer = SegmentationScorer(Reader(), real.dataset, lambda: SIZE)  # type: ignore[arg-type]
    full = section(labels="file", picture_size="labels", picture_kernel="nearest")
    assert np.array_equal(scorer.score(source, [full])[0].confusion, expected)
    found = scorer.score(source, [section(classes="every"), section(label_size=(16, 16))])
    assert np.array_equal(found[0].confusion, every)
    assert np.array_equal(found[1].confusion, small)


def test_pictures_of_several_sizes_are_measured_where_the_protocol_resizes_them_anyway(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = real_at(toy_cityscapes)
    for number, example in enumerate(real):
        picture = noisy(example, 0)
        write_png(tmp_path / "theirs" / f"{example.id}.png", picture[::2, ::2] if number else picture)
    theirs = open_images(tmp_path / "theirs", "theirs", real.dataset)
    rows = measure(theirs, real, "miou", "full-size@1").rows
    assert {row.image_size for row in rows} == {"several"}
    assert "no ceiling of mean IoU" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"several sizes: 32x16 \(4\), 64x32 \(1\)"):
        measure(theirs, real, "miou")


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_ceiling_is_measured_again(
    toy_cityscapes: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    before = measure(run, real, "miou").rows
    (file,) = (tmp_path / "cache" / "ceilings").iterdir()
    whole = file.read_text()
    head, confusion = whole.split('"confusion"')
    changed = f'{head}"confusion"{confusion.replace("0", "1", 1)}'
    file.write_text({"cut": whole[:40], "changed": changed, "empty": "{}"}[damage])
    assert [row.value for row in measure(run, real, "miou").rows] == [row.value for row in before]
    assert f"{file}: broken" in capsys.readouterr().err
    assert file.read_text() == whole
