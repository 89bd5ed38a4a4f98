"""Edits are measured against what they were made of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.datasets.pairs import pairs_in
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.metrics.editing import mean_squared_error, psnr
from sdm_bench.metrics.miou import confusion_matrix, mean_iou
from sdm_bench.results.rows import ResultRow, read_rows
from sdm_bench.results.sample_sets import open_edits
from sdm_bench.sampling.edit import edit_pictures, open_editor
from sdm_bench.sampling.edit_folders import EditFolder
from sdm_bench.sampling.editor import InpaintingChoice
from sdm_bench.sampling.synthesizers import SamplingOptions
from tests.evaluation.measured import make_run, noisy, real_at


@pytest.fixture(scope="module")
def made(toy_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Edits of three streets, two seeds, whose samples tests replace."""
    out = tmp_path_factory.mktemp("edits")
    sampling = SamplingOptions(solver="ddim", solver_steps=2, guidance=1.0)
    weights = WeightsSpec(method="sdm", checkpoint="toy")
    opened = open_editor(weights, sampling, InpaintingChoice(), device="cpu")
    return edit_pictures(opened, pairs_in(toy_pairs), out, [0, 1], "", margin=1)


def replaced(folder: Path, draw: Callable[[np.ndarray, np.ndarray, int], np.ndarray]) -> None:
    """Has every sample be draw(source, erased, seed)."""
    target = EditFolder(folder)
    pictures = target.pictures()
    for seed in target.seeds():
        for place in range(len(pictures)):
            edit = pictures.edit(place)
            assert edit.example.image is not None
            write_png(target.sample(edit.example.id, seed), draw(edit.example.image, edit.erased, seed))


def measured(folder: Path, *metrics: str, **more: object) -> dict[str, ResultRow]:
    rows, failures = evaluate(Evaluation(metrics, folder, device="cpu", stored=False, **more))  # type: ignore[arg-type]
    assert not failures
    return {row.metric: row for row in rows}


def test_the_source_itself_is_exact_outside_and_has_no_seam(made: Path) -> None:
    replaced(made, lambda source, erased, seed: source)
    found = measured(made, "edit", "edit_lpips")
    assert found["edit_mse"].value == 0
    assert "PSNR is infinite" in found["edit_mse"].note
    assert "edit_psnr" not in found
    assert found["edit_lpips"].value == 0
    assert 0.4 < found["edit_seam"].value < 2.5
    row = found["edit_seam"]
    assert (row.dataset, row.split, row.method, row.num_images, row.seeds) == ("cityscapes", "edits", "sdm", 3, "0-1")
    assert row.variant == "margin 1"


def test_what_changes_outside_is_counted_outside_alone(made: Path) -> None:
    def draw(source: np.ndarray, erased: np.ndarray, seed: int) -> np.ndarray:
        shifted = (source // 2 + 60).astype(np.uint8) + np.uint8(seed)
        return np.where(erased[..., None], 0, shifted).astype(np.uint8)

    replaced(made, draw)
    found = measured(made, "edit", "edit_lpips")
    edits = [EditFolder(made).pictures().edit(place) for place in range(3)]
    values = []
    for seed in (0, 1):
        errors, counts = [], []
        for edit in edits:
            assert edit.example.image is not None
            made_of = draw(edit.example.image, edit.erased, seed)
            errors.append(mean_squared_error(made_of, edit.example.image, ~edit.erased))
            counts.append((~edit.erased).sum())
        values.append(np.average(errors, weights=counts))
    assert found["edit_mse"].value == pytest.approx(np.mean(values))
    assert found["edit_psnr"].value == pytest.approx(np.mean([psnr(value) for value in values]))
    assert found["edit_mse"].spread is not None
    assert found["edit_lpips"].value > 0.001


def test_a_step_inside_is_a_seam(made: Path) -> None:
    found = []
    for step in (0, 20, 60):
        replaced(
            made, lambda source, erased, seed, step=step: np.where(erased[..., None], source // 2 + step, source // 2)
        )
        found.append(measured(made, "edit"))
    for name in ("edit_seam", "edit_seam_within"):
        assert found[0][name].value < found[1][name].value < found[2][name].value


def test_inside_is_segmented_against_the_edited_classes(made: Path) -> None:
    """Whatever stands outside: the same as the segmenter's predictions of whole pictures, counted where erased."""
    replaced(made, lambda source, erased, seed: np.roll(source, 8 * seed, axis=1))
    found = measured(made, "edit_miou", segmenter="toy")
    samples, dataset = open_edits(made)
    import torch

    segmenter = load_segmenter("toy", "cityscapes", dataset.classes, torch.device("cpu"))
    values = []
    for source in samples.images.values():
        confusion = np.zeros((19, 19), np.int64)
        for place in range(3):
            edit = dataset.edit(place)
            passes = segmenter.prepare(source.read(place), None, "bicubic", None)
            (prediction,) = segmenter.classes(segmenter.scores([each[None] for each in passes]), [(32, 64)], False)
            true = np.where(edit.erased, dataset.classes.evaluate_as[edit.example.label], 255)
            confusion += confusion_matrix(true, prediction, 19)
        values.append(mean_iou(confusion))
    assert found["edit_miou"].value == pytest.approx(np.mean(values))
    assert 0 <= found["edit_accuracy"].value <= 1


def test_rows_are_stored_with_how_they_were_measured(made: Path) -> None:
    rows, _ = evaluate(Evaluation(["edit"], made, device="cpu"))
    assert read_rows(made / "results.csv") == rows
    assert len(list((made / "provenance").iterdir())) == 1
    (made / "results.csv").unlink()


def test_metrics_of_edits_and_of_samples_are_not_mixed(made: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fid: of samples of whole label maps; .* edit, edit_lpips, edit_miou"):
        evaluate(Evaluation(["edit", "fid"], made))
    run = make_run(tmp_path, real_at(toy_cityscapes), [0], noisy, data=str(toy_cityscapes))
    with pytest.raises(UserError, match=r"edit: of edits; .* holds none"):
        evaluate(Evaluation(["edit"], run))
    with pytest.raises(UserError, match=r"--data .*: .* holds what was edited; leave it out"):
        evaluate(Evaluation(["edit"], made, where=DatasetSplit(None, toy_cityscapes, None)))


def test_where_everything_was_erased_there_is_no_outside(toy_pairs: Path, tmp_path: Path) -> None:
    spade = WeightsSpec(method="spade", checkpoint="toy")
    opened = open_editor(spade, SamplingOptions(), InpaintingChoice(), device="cpu")
    edit_pictures(opened, pairs_in(toy_pairs)[:1], tmp_path, [0], "", margin=100)
    rows, failures = evaluate(Evaluation(("edit", "edit_lpips"), tmp_path, device="cpu", stored=False))
    assert not rows
    expected = "toyville_500000_000019: the whole picture was erased; nothing is left outside to be compared"
    assert failures == [f"edit: {expected}", f"edit_lpips: {expected}"]
