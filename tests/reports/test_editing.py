"""The table and the figure of edits."""

from pathlib import Path

import numpy as np
import pytest

from reports.figures.editing import GREEN, editing
from reports.figures.material import Examples, Material
from reports.figures.registry import NothingToDraw
from reports.report import write_report
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.pairs import pairs_in
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.results.rows import read_rows
from sdm_bench.sampling.edit import edit_pictures, open_editor
from sdm_bench.sampling.edit_folders import EditFolder
from sdm_bench.sampling.editor import InpaintingChoice
from sdm_bench.sampling.synthesizers import SamplingOptions


@pytest.fixture(scope="module")
def folders(toy_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Edits by two methods and, of other pixels, a third folder; measured."""
    root = tmp_path_factory.mktemp("edits")
    made = {
        "sdm": ("sdm", SamplingOptions(solver="ddim", solver_steps=2, guidance=1.0), 0),
        "spade": ("spade", SamplingOptions(), 0),
        "wider": ("spade", SamplingOptions(), 2),
    }
    for name, (method, sampling, margin) in made.items():
        weights = WeightsSpec(method=method, checkpoint="toy")
        out, choice, seeds = root / name, InpaintingChoice(), [0, 1] if method == "sdm" else [0]
        opened = open_editor(weights, sampling, choice, paste=False, device="cpu")
        edit_pictures(opened, pairs_in(toy_pairs), out, seeds, "", margin)
        evaluate(Evaluation(["edit"], out, device="cpu"))
    return [root / name for name in made]


def test_the_table_has_a_line_a_folder_and_never_ranks_seams(folders: list[Path]) -> None:
    rows = [row for folder in folders for row in read_rows(folder / "results.csv")]
    table = make_table("editing", rows)
    variants = table.frame["variant"].tolist()
    assert sorted(variants) == ["not pasted", "re-synthesis, margin 2, not pasted", "re-synthesis, not pasted"]
    assert table.frame["pairs"].tolist() == ["3"] * 3
    sdm, spade = variants.index("not pasted"), variants.index("re-synthesis, not pasted")
    values = {row.method: row.value for row in rows if row.metric == "edit_seam"}
    assert table.frame["seam"].tolist()[sdm] == values["sdm"]
    # merged after the last step, the outside is the source, of which PSNR is infinite
    assert table.frame["MSE outside"].tolist()[sdm] == 0
    assert np.isnan(table.frame["PSNR outside"].tolist()[sdm])
    # what a larger margin erases is not compared with what a smaller one does
    assert table.marks == {(sdm, "MSE outside"): "best", (spade, "MSE outside"): "second"}
    assert any(note.startswith("seam: squared steps across the border") for note in table.notes)


def test_the_figure_shows_what_was_erased_the_edited_map_and_samples(folders: list[Path]) -> None:
    drawn = editing(Material([], runs=folders, examples=Examples(count=2)))
    assert len(drawn) == 2
    drawing = next(each for each in drawn if "spade" in each.data["run"].tolist())
    assert drawing.data["run"].tolist() == ["sdm", "spade"] * 2
    pictures = [np.asarray(axes.images[0].get_array()) for axes in drawing.figure.axes if axes.images]
    pictures = [each[:: len(each) // 32, :: len(each) // 32] for each in pictures]
    dataset = EditFolder(folders[0]).pictures()
    edit = next(dataset.edit(place) for place in range(3) if dataset.records[place].id == drawing.data["id"][0])
    assert (pictures[0][edit.erased] == GREEN).all()
    assert edit.example.image is not None
    assert (pictures[0][~edit.erased] == edit.example.image[~edit.erased]).all()
    assert (pictures[1] == ClassTable.shipped("cityscapes").colors[edit.example.label]).all()
    assert (pictures[2] == dataset_picture(folders[0], edit.example.id, 0)).all()
    assert (pictures[3] == dataset_picture(folders[0], edit.example.id, 1)).all()
    assert "car" in drawing.data["classes_made"][0]


def dataset_picture(folder: Path, id: str, seed: int) -> np.ndarray:
    from sdm_bench.datasets.pictures import read_image

    return read_image(EditFolder(folder).sample(id, seed))


def test_pairs_are_chosen_by_id_or_evenly(folders: list[Path]) -> None:
    id = EditFolder(folders[0]).pictures().records[1].id
    (drawing,) = editing(Material([], runs=folders[:1], examples=Examples(ids=[id])))
    assert drawing.data["id"].tolist() == [id]
    with pytest.raises(UserError, match="Unknown pair 'nosuch'"):
        editing(Material([], runs=folders[:1], examples=Examples(ids=["nosuch"])))
    with pytest.raises(UserError, match="--examples worst: of whole samples"):
        editing(Material([], runs=folders[:1], examples=Examples(way="worst")))
    with pytest.raises(NothingToDraw, match="no edits in any of the folders"):
        editing(Material([], runs=[]))


def test_a_report_of_edits_has_both(folders: list[Path], tmp_path: Path) -> None:
    from reports.figures.figures import FigureOptions

    written = write_report(folders[:1], ["editing"], tmp_path, FigureOptions(["editing"]))
    assert {path.name for path in written} >= {"editing.csv", "editing.md", "editing.tex", "editing.png"}
