"""Several samples a label map as groups: which are measured, what is the mean over them and what is of all of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.datasets.transforms import Resized
from sdm_bench.evaluation import miou
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.extractors import load_extractor
from sdm_bench.evaluation.metric import MetricResult, metric
from sdm_bench.evaluation.scoring import MMSegFiles
from sdm_bench.metrics.features import extract
from sdm_bench.metrics.frechet import frechet_distance, gaussian
from sdm_bench.metrics.images import files_source, folder_source
from sdm_bench.metrics.kernel import kernel_distance
from sdm_bench.metrics.miou import confusion_matrix, iou_per_class, mean_iou
from sdm_bench.protocols.protocols import Protocol, protocol, read_protocol
from sdm_bench.results.sample_sets import SampleSet, open_run
from tests.evaluation.measured import SIZE, make_run, noisy, real_at
from tests.evaluation.test_miou import Reader, as_label, classes

THREE = """
name: three@1
summary: three groups
fid:
  defaults: {extractor: inception-2015-12-05, resize: clean, samples: 3, sample_size: [32, 64], real_recipe: stored}
  datasets: {cityscapes: }
miou:
  defaults: {labels: file, label_size: [32, 64], average: union, groups: corpus, samples: 2, sample_size: [32, 64]}
  datasets:
    cityscapes: {mmseg: {config: net, checkpoint: net-0123abcd.pth}}
"""


@pytest.fixture
def real(toy_cityscapes: Path) -> Resized:
    return real_at(toy_cityscapes)


@pytest.fixture
def run(real: Resized, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", real, [0, 1, 2, 4], noisy, data=str(real.dataset.root))


def under(
    found: Protocol, samples: SampleSet, real: Resized, name: str, **more: object
) -> tuple[EvaluationContext, MetricResult]:
    section = metric(name).stated(found, real.dataset.name)
    context = EvaluationContext(samples, real.dataset, found, name, section, torch.device("cpu"), **more)  # type: ignore[arg-type]
    return context, metric(name).measure(context)


def test_fid_is_the_mean_over_the_protocols_groups_and_stored_photographs(run: Path, real: Resized) -> None:
    found = read_protocol(THREE, "three.yaml")
    _, measured = under(found, open_run(run, real.dataset), real, "fid")
    (row,) = measured.rows
    extractor = load_extractor(found, "inception-2015-12-05", "clean", "cpu")
    files = {record.id: record.image for record in real.dataset.records if record.image is not None}
    photographs = gaussian(extract(files_source("real", files), extractor))
    each = [
        frechet_distance(extract(folder_source(run / "samples" / f"seed-00{k}"), extractor), photographs)
        for k in range(3)
    ]
    assert row.value == pytest.approx(np.mean(each), rel=1e-4)
    assert row.spread == pytest.approx(np.std(each, ddof=1), rel=1e-2)
    assert (row.seeds, row.num_images, row.num_real) == ("0-2", 5, 5)


@pytest.mark.parametrize(
    ("seeds", "name", "message"),
    [
        ([0, 4], "fid", r"three@1 measures 3 samples of each label map; sdm has 2 \(numbers: 0,4\)"),
        (None, "small", r"three@1 measures pictures of 32x16; sdm has 64x32 \(20\)"),
    ],
)
def test_other_samples_than_the_protocols_are_refused(
    seeds: list[int] | None, name: str, message: str, run: Path, real: Resized
) -> None:
    text = THREE.replace("sample_size: [32, 64], real_recipe", "sample_size: [16, 32], real_recipe")
    found = read_protocol(text if name == "small" else THREE, "three.yaml")
    with pytest.raises(UserError, match=message):
        under(found, open_run(run, real.dataset, seeds), real, "fid")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miou, "segmenter_of", lambda context, section: Reader())


def matrices(real: Resized) -> list[np.ndarray]:
    """Of the samples that `as_label` draws, by arrays that are resized here."""
    truth = [classes(example) for example in real]
    wrong = [each.copy() for each in truth]
    for each in wrong:
        each[:, : SIZE[1] // 2] = 0
    pairs = zip(truth, truth, strict=True), zip(truth, wrong, strict=True)
    return [np.sum([confusion_matrix(a, b % 19, 19) for a, b in each], axis=0) for each in pairs]


def test_one_confusion_matrix_over_all_groups_with_the_mean_over_groups_beside_it(
    reading: None, real: Resized, tmp_path: Path
) -> None:
    labelled = make_run(tmp_path / "labels", real, [0, 1, 2], as_label)
    rows = under(read_protocol(THREE, "x"), open_run(labelled, real.dataset), real, "miou")[1].rows
    first, second = matrices(real)
    by_metric = {row.metric: row for row in rows if row.method == "sdm" and not row.class_name}
    assert by_metric["miou"].value == pytest.approx(mean_iou(first + second))
    assert by_metric["miou"].spread is None
    assert by_metric["group_miou"].value == pytest.approx((mean_iou(first) + mean_iou(second)) / 2)
    assert by_metric["miou"].value != pytest.approx(by_metric["group_miou"].value, abs=1e-3)
    assert by_metric["miou"].seeds == "0-1"
    road = next(row for row in rows if row.class_name == "road" and row.method == "sdm")
    assert road.value == pytest.approx(iou_per_class(first + second)[0])
    ceiling = {row.metric for row in rows if row.method != "sdm" and not row.class_name}
    assert ceiling == {"miou", "accuracy", "fwiou"}
    note = "not by the segmenter of three@1, net-0123abcd.pth"
    assert all(note in row.note for row in rows)


def test_dropped_classes_count_nowhere(reading: None, real: Resized, tmp_path: Path) -> None:
    """As ControlAR's program does it: row and column vanish, and with them the pixels from every union."""
    text = THREE.replace("groups: corpus", "groups: corpus, dropped: [road]")
    labelled = make_run(tmp_path / "labels", real, [0, 1], as_label)
    rows = under(read_protocol(text, "x"), open_run(labelled, real.dataset), real, "miou")[1].rows
    corpus = sum(matrices(real))
    rest = corpus[1:, 1:]
    union = rest.sum(0) + rest.sum(1) - np.diag(rest)
    expected = (np.diag(rest)[union > 0] / union[union > 0]).mean()
    found = next(row for row in rows if row.metric == "miou" and row.method == "sdm")
    assert found.value == pytest.approx(expected)
    assert found.value != pytest.approx(mean_iou(corpus), abs=1e-3)
    assert "road" not in {row.class_name for row in rows}


def test_files_of_mmsegmentation_are_told_by_name_and_digest(tmp_path: Path, run: Path, real: Resized) -> None:
    config, checkpoint = tmp_path / "net.py", tmp_path / "w.pth"
    config.write_text("")
    checkpoint.write_bytes(b"weights")
    digest = sha256_file(checkpoint)[:8]
    named = checkpoint.rename(tmp_path / f"net-{digest}.pth")
    samples, found = open_run(run, real.dataset), read_protocol(THREE.replace("0123abcd", digest), "x")
    section = metric("miou").stated(found, "cityscapes")
    assert section.mmseg == MMSegFiles(config="net", checkpoint=named.name)

    def note(segmenter: str) -> str:
        given = {"segmenter": segmenter, "device": torch.device("cpu")}
        return miou._other_segmenter(
            EvaluationContext(samples, real.dataset, found, "miou", section, **given),  # type: ignore[arg-type]
            section,
        )

    assert note(f"mmseg:{config},{named}") == ""
    assert "not by the segmenter" in note("toy")
    assert "not by the segmenter" in note(f"mmseg:{tmp_path / 'other.py'},{named}")
    named.write_bytes(b"others under its name")
    assert "not by the segmenter" in note(f"mmseg:{config},{named}")


def test_a_protocol_that_names_files_of_mmsegmentation_says_which_to_give(run: Path, real: Resized) -> None:
    with pytest.raises(
        UserError, match=r"measures by MMSegmentation's net: give --segmenter mmseg:DIR/net\.py,DIR/net-"
    ):
        under(read_protocol(THREE, "x"), open_run(run, real.dataset), real, "miou")


def test_kid_by_itself_is_over_all_pairs(run: Path, real: Resized) -> None:
    found = protocol("modern@1")
    _, measured = under(found, open_run(run, real.dataset, [0, 1]), real, "kid")
    value, error = measured.rows
    extractor = load_extractor(found, "inception-2015-12-05", "clean", "cpu")
    pictures = make_run(run.parent / "real", real, [0], lambda example, seed: example.image) / "samples/seed-000"
    photographs = extract(folder_source(pictures), extractor)
    each = [
        kernel_distance(extract(folder_source(run / "samples" / f"seed-00{k}"), extractor), photographs) for k in (0, 1)
    ]
    assert value.value == pytest.approx(np.mean([one.value for one in each]), rel=1e-3)
    assert error.value == pytest.approx(np.mean([one.standard_error for one in each]), rel=1e-3)
    assert (value.metric, value.num_images, value.image_size, value.num_real) == ("inception_kid", 5, "64x32", 5)


def test_captions_are_asked_for_before_and_refused_where_they_do_nothing(run: Path, tmp_path: Path) -> None:
    rows, failures = evaluate(Evaluation(["clip_score"], run, protocol="modern@1", device="cpu"))
    assert (rows, failures) == (
        [],
        ["clip_score: the CLIP score needs --captions FILE: a caption for each label map of the split"],
    )
    with pytest.raises(UserError, match=r"--captions .*x\.json: does nothing without --metric clip_score"):
        evaluate(Evaluation(["fid"], run, captions=tmp_path / "x.json", device="cpu"))


def test_protocols_that_measure_other_samples_are_left_out_of_all(
    run: Path, toy_cityscapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = DatasetSplit("cityscapes", toy_cityscapes, None)
    evaluate(
        Evaluation(
            ["clip_score"],
            images=run / "samples/seed-000",
            where=where,
            name="x",
            protocol="all",
            out=run / "x.csv",
            device="cpu",
        )
    )
    assert "left out: the CLIP score needs --captions FILE" in capsys.readouterr().err
