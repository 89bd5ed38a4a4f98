"""Samples become rows: values checked against closed forms and the pure metrics."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform, resize_map
from sdm_bench.errors import UserError
from sdm_bench.evaluation import evaluate, segmentation
from sdm_bench.evaluation.predictions import Reading
from sdm_bench.evaluation.task import Samples, Task, spell_seeds
from sdm_bench.files import write_json, write_png
from sdm_bench.metrics.features import extract, folder_source, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.lpips_diversity import diversity, load_lpips, sdm_input
from sdm_bench.metrics.miou import confusion_matrix, mean_iou
from sdm_bench.protocols.catalog import protocol
from sdm_bench.protocols.sections import MIoUProtocol
from sdm_bench.sampling import SampleFolder, SampleOptions
from sdm_bench.weights.store import CACHE_VARIABLE, weights_path
from segmenters.preprocessing import enlarged
from tests.test_sampling import sample_options

SIZE = (32, 64)


def real_at(root: Path, size: tuple[int, int] = SIZE) -> Resized:
    dataset = open_dataset("cityscapes", root, "val")
    return Resized(dataset, Transform("sdm", size, keeps_aspect=True, training=False))


def make_run(folder: Path, real: Resized, seeds: list[int], draw, **options: object) -> Path:  # type: ignore[no-untyped-def]
    """A folder of samples: draw(example, seed) -> uint8 (H, W, 3)."""
    about: SampleOptions = sample_options(image_size=SIZE, **options)
    SampleFolder(folder).start(about, seeds, "")
    for seed in seeds:
        for example in real:
            write_png(SampleFolder(folder).sample(example.id, seed), draw(example, seed))
    return folder


def noisy(example, seed: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The photograph with noise that grows with the seed."""
    rng = np.random.default_rng(seed)
    return (example.image + rng.normal(0, 20 * (seed + 1), example.image.shape)).clip(0, 255).astype(np.uint8)


def task_of(samples: Samples, real: Resized, segmenter: str | None = None) -> Task:
    return Task(samples, real, protocol("sdm-bench@1"), torch.device("cpu"), segmenter)


def test_fid_is_the_mean_over_seeds_of_the_distance_to_the_real_pictures(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy)
    write_real = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image)
    found, failures = evaluate(task_of(Samples.of_run(run), real), ["fid"])
    row = found.rows[0]
    assert failures == []
    extractor = inception_extractor(weights_path("inception-2015-12-05"), "clean", "cpu")
    features = [
        extract(folder_source(folder), extractor)
        for folder in (write_real / "samples/seed-000", run / "samples/seed-000", run / "samples/seed-001")
    ]
    each = [frechet_distance(features[0], other) for other in features[1:]]
    assert row.value == pytest.approx(np.mean(each), rel=1e-4)
    assert row.spread == pytest.approx(np.std(each, ddof=1), rel=1e-4)
    assert each[0] < each[1]
    assert (row.num_images, row.seeds, row.protocol, row.direction) == (5, "0-1", "sdm-bench@1", "lower")
    assert row.extractor == "inception-2015-12-05, clean"


def test_real_pictures_are_at_no_distance_from_themselves(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], lambda example, seed: example.image)
    found, _ = evaluate(task_of(Samples.of_images(run / "samples/seed-000", "photographs"), real), ["fid"])
    row = found.rows[0]
    assert row.value == pytest.approx(0, abs=1e-4)
    assert row.spread is None
    assert row.method == "photographs"


def test_diversity_grows_with_the_differences_and_is_zero_for_equal_samples(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real = real_at(toy_cityscapes)
    equal = make_run(tmp_path / "equal", real, [0, 1], lambda example, seed: example.image)
    different = make_run(tmp_path / "different", real, [0, 1], noisy)
    tasks = [task_of(Samples.of_run(folder), real) for folder in (equal, different)]
    values = [evaluate(task, ["lpips"])[0].rows[0].value for task in tasks]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values[1] > 1e-3


def test_a_deterministic_method_has_no_diversity_by_construction(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy, stochastic=False, method="spade", solver=None, guidance=None)
    found, _ = evaluate(task_of(Samples.of_run(run), real), ["lpips"])
    (row,) = found.rows
    assert row.value == 0
    assert "zero by construction" in row.note


def test_sdm_measures_ten_samples_by_its_own_reading(toy_cityscapes: Path, tmp_path: Path) -> None:
    """The mean over pairs of LPIPS of pictures prepared as the released script does; of nine samples there is none."""
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, list(range(11)), noisy)
    samples = Samples.of_run(run)
    task = replace(task_of(samples, real), protocol=protocol("sdm@1"))
    found, _ = evaluate(task, ["lpips"])
    (row,) = found.rows
    network = load_lpips(weights_path("lpips-alex"))
    pictures = [[sdm_input(source.read(k)) for seed, source in samples.sources.items() if seed < 10] for k in range(5)]
    each = [diversity(network, torch.stack(of_map)).mean for of_map in pictures]
    assert row.value == pytest.approx(np.mean(each), rel=1e-6)
    assert (row.seeds, row.extractor) == ("0-9", "lpips-alex, sdm")
    kept = {name: [one.value for one in found.per_image if one.metric == name] for name in ("lpips", "lpips_spread")}
    assert kept["lpips"] == pytest.approx(each)
    spreads = [diversity(network, torch.stack(of_map)).pairs.std(ddof=1) for of_map in pictures]
    assert kept["lpips_spread"] == pytest.approx(spreads)
    fewer = replace(samples, folders={seed: samples.folders[seed] for seed in range(9)})
    _, failures = evaluate(replace(task, samples=fewer), ["lpips"])
    assert "diversity needs 10 samples a label map for sdm@1; sdm has 9 (seeds: 0-8)" in failures[0]


def test_diversity_inside_a_class_is_where_the_samples_differ(toy_cityscapes: Path, tmp_path: Path) -> None:
    """Samples that differ in the sky alone: more there than on the road, whose pixels are far from it."""
    real = real_at(toy_cityscapes)

    def recoloured_sky(example, seed: int) -> np.ndarray:  # type: ignore[no-untyped-def]
        picture = example.image.copy()
        picture[example.label == 23] = 255 * seed
        return picture

    found, _ = evaluate(task_of(Samples.of_run(make_run(tmp_path, real, [0, 1], recoloured_sky)), real), ["lpips"])
    inside = {row.class_name: row.value for row in found.rows if row.metric == "class_lpips"}
    assert inside["sky"] > 2 * inside["road"]
    assert len(inside) > 5


def as_label(example, seed: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """A picture that shows the evaluated class in every channel; seed 1 is wrong in the left half."""
    shown = classes(example).copy()
    if seed == 1:
        shown[:, : SIZE[1] // 2] = 0
    return np.repeat(shown[..., None], 3, axis=2)


def classes(example) -> np.ndarray:  # type: ignore[no-untyped-def]
    from sdm_bench.datasets.base import ClassTable

    return ClassTable.shipped("cityscapes").evaluate_as[example.label]


class Reader:
    """Reads the class off the picture's red channel; says how often it was asked."""

    name, sha256 = "reader", "0" * 64
    asked = 0

    def prepare(self, image: np.ndarray, size: tuple[int, int] | None, kernel: str, short_sides: object) -> list:
        picture = image if size is None else np.asarray(enlarged(image, size, kernel))
        return [torch.from_numpy(picture[None, ..., 0].copy())]

    def predict(self, passes: list, sizes: list[tuple[int, int]], corners: bool) -> list[np.ndarray]:
        Reader.asked += len(sizes)
        shown = [picture[0].numpy() % 19 for picture in passes[0]]
        return [resize_map(each, size).astype(np.uint8) for each, size in zip(shown, sizes, strict=True)]


@pytest.fixture
def reading_segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segmenter that reads the class off the picture."""
    monkeypatch.setattr(segmentation, "_segmenter", lambda task, about: Reader())


@pytest.mark.usefixtures("reading_segmenter")
def test_miou_in_closed_form(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0, 1], as_label)
    measured, failures = evaluate(task_of(Samples.of_run(run), real), ["miou"])
    rows = measured.rows
    assert failures == []
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
    road = next(row for row in rows if row.class_name == "road")
    assert road.value == pytest.approx((1 + expected[0]) / 2)
    accuracy = next(row for row in rows if row.metric == "accuracy")
    assert accuracy.value == pytest.approx((1 + (truth == predicted)[truth != 255].mean()) / 2)
    assert len([row for row in rows if row.method != "real photographs"]) == 3 + len(expected)
    first = next(each for each in measured.per_image if each.seed == 1 and each.id == real[0].id)
    alone = confusion_matrix(truth[0], predicted[0], 19)
    assert (first.metric, first.protocol, first.value) == ("miou", "sdm-bench@1", mean_iou(alone))
    assert len(measured.per_image) == 2 * len(real)


@pytest.mark.usefixtures("reading_segmenter")
def test_the_ceiling_is_that_of_the_photographs_and_what_lies_above_is_marked(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    real = real_at(toy_cityscapes)
    measured, _ = evaluate(task_of(Samples.of_run(make_run(tmp_path / "run", real, [0], as_label)), real), ["miou"])
    rows = measured.rows
    ceiling = next(row for row in rows if row.method == "real photographs" and row.metric == "miou")
    truth = np.stack([classes(example) for example in real])
    read = np.stack([example.image[..., 0] % 19 for example in real if example.image is not None])
    assert ceiling.value == pytest.approx(mean_iou(confusion_matrix(truth, read, 19)))
    assert (ceiling.solver, ceiling.seeds, ceiling.weights_sha256) == ("", "", "")
    assert rows[0].value == 1
    assert rows[0].note == f"above the ceiling of real photographs, {ceiling.value:.4f}"
    (cached,) = (tmp_path / "cache" / "ceilings").iterdir()
    before = cached.stat().st_mtime_ns
    evaluate(task_of(Samples.of_run(tmp_path / "run"), real), ["miou"])
    assert cached.stat().st_mtime_ns == before


@pytest.mark.usefixtures("reading_segmenter")
def test_kept_predictions_are_taken_again(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    real = real_at(toy_cityscapes)
    samples = Samples.of_run(make_run(tmp_path / "run", real, [0, 1], as_label))
    task = replace(task_of(samples, real), predictions=tmp_path / "kept")
    first, _ = evaluate(task, ["miou"])
    asked = Reader.asked
    folders = list((tmp_path / "kept").iterdir())
    assert [len(list(folder.glob("*.png"))) for folder in folders] == [len(real)] * 3
    again, _ = evaluate(task, ["miou"])
    assert Reader.asked == asked
    assert [row.value for row in again.rows] == [row.value for row in first.rows]
    next(folders[0].glob("*.png")).unlink()
    evaluate(task, ["miou"])
    assert Reader.asked in (asked, asked + 1)
    evaluate(replace(task, protocol=protocol("full-size@1")), ["miou"])
    assert Reader.asked > asked + 1


@pytest.mark.usefixtures("reading_segmenter")
def test_a_protocol_decides_sizes_and_classes(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the confusion of arrays that are resized here."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], as_label)
    source = folder_source(run / "samples/seed-000")
    pictures = {name: source.read(index) for index, name in enumerate(source.ids)}
    table = real.dataset.classes

    def reading(**about: Any) -> Reading:
        return Reading(Reader(), MIoUProtocol(average="union", **about), real)  # type: ignore[arg-type]

    expected = np.zeros((19, 19), np.int64)
    every = np.zeros((35, 35), np.int64)
    raw = np.flatnonzero(table.evaluate_as != 255)
    for record in real.dataset.records:
        label = real.dataset.label(record)
        large = np.asarray(enlarged(pictures[record.id], label.shape, "nearest"))[..., 0] % 19
        expected += confusion_matrix(table.evaluate_as[label], large, 19)
        every += confusion_matrix(resize_map(label, SIZE), raw[pictures[record.id][..., 0] % 19], 35, None)
    full = reading(labels="file", picture_size="labels", picture_kernel="nearest")
    assert np.array_equal(full.read(source).confusion, expected)
    assert np.array_equal(reading(classes="every").read(source).confusion, every)
    fixed = reading(label_size=(16, 16)).read(source).confusion
    assert fixed.sum() <= 16 * 16 * len(real)


def test_failed_metrics_are_listed_and_the_others_measured(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy)
    found, failures = evaluate(task_of(Samples.of_run(run), real, "nothing"), ["lpips", "fid", "miou"])
    assert {row.metric for row in found.rows} == {"fid", "kid", "kid_standard_error", "precision", "recall"}
    assert failures[0] == (
        "lpips: diversity needs at least two samples a label map for sdm-bench@1; sdm has 1 (seeds: 0); "
        "`sdm-bench generate --seeds 0-1` adds the others"
    )
    assert failures[1].startswith("miou: --segmenter nothing: neither a run")
    with pytest.raises(UserError, match=r"Unknown metric 'fdi'\. Did you mean 'fid'"):
        evaluate(task_of(Samples.of_run(run), real), ["fdi"])


def test_a_missing_sample_is_named(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy)
    SampleFolder(run).sample(real[2].id, 0).unlink()
    _, failures = evaluate(task_of(Samples.of_run(run), real), ["fid"])
    assert f"1 missing ({real[2].id})" in failures[0]


def test_label_maps_without_photographs_have_no_fid(toy_cityscapes: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gtFine").symlink_to(toy_cityscapes / "gtFine")
    run = make_run(tmp_path / "run", real_at(toy_cityscapes), [0], noisy)
    _, failures = evaluate(task_of(Samples.of_run(run), real_at(tmp_path / "data")), ["fid"])
    assert "5 label maps have no photograph to compare with" in failures[0]


def test_a_run_without_samples_says_what_was_expected(tmp_path: Path) -> None:
    write_json(tmp_path / "train.json", {})
    with pytest.raises(UserError, match=r"no samples; expected run\.json"):
        Samples.of_run(tmp_path)


@pytest.mark.parametrize(("seeds", "spelled"), [([0], "0"), ([2, 0, 1], "0-2"), ([0, 4], "0,4")])
def test_seeds_are_spelled_as_ranges(seeds: list[int], spelled: str) -> None:
    assert spell_seeds(seeds) == spelled
