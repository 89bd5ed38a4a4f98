"""Label maps with a palette: ids are its indices, and one that shows other classes is refused, not misread."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.maps import NotAMap
from sdm_bench.datasets.palettes import palette_of
from sdm_bench.datasets.verify import verify
from tests.datasets import trees

CLASSES = (
    "- {name: sky, color: [0, 0, 255]}\n- {name: road, color: [128, 64, 128]}\n- {name: tree, color: [0, 128, 0]}\n"
)
COLORS = np.array([[0, 0, 255], [128, 64, 128], [0, 128, 0]], np.uint8)
LABEL = np.array([[0, 1], [2, 1]], np.uint8)


def put(path: Path, indices: np.ndarray, palette: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    picture.putpalette(palette.astype(np.uint8).tobytes())
    picture.save(path)
    return path


def folder(root: Path) -> Path:
    trees.put_photo(root / "images/a.png", 2, 2)
    (root / "classes.yaml").write_text(CLASSES)
    return root / "labels/a.png"


def ade20k(root: Path) -> Path:
    trees.put_photo(root / "images/validation/a.jpg", 2, 2)
    return root / "annotations/validation/a.png"


def grey(values: list[int]) -> np.ndarray:
    return np.array([[value] * 3 for value in values])


def test_a_palette_in_the_order_of_the_classes_is_read_by_index(tmp_path: Path) -> None:
    put(folder(tmp_path), LABEL, COLORS)
    assert open_dataset("folder", tmp_path, "val")[0].label.tolist() == LABEL.tolist()


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0], [0, 2, 1]])
def test_the_classes_colours_in_another_order_are_refused(tmp_path: Path, order: list[int]) -> None:
    path = folder(tmp_path)
    put(path, np.argsort(order)[LABEL].astype(np.uint8), COLORS[order])
    # what everybody sees are the right classes
    assert (np.asarray(Image.open(path).convert("RGB")) == COLORS[LABEL]).all()
    first = next(index for index in range(3) if order[index] != index)
    what = f"such as {tuple(COLORS[order[first]].tolist())} for index {first}; which are meant can't be told"
    with pytest.raises(
        NotAMap, match=re.escape(f"{path}: a palette that shows other classes") + ".*" + re.escape(what)
    ):
        open_dataset("folder", tmp_path, "val")[0]
    assert [(problem.kind, problem.file) for problem in verify("folder", tmp_path).problems] == [("colour", path)]


def test_greys_that_were_ids_in_an_order_of_their_own_are_refused(tmp_path: Path) -> None:
    path = put(ade20k(tmp_path), LABEL, grey([7, 11, 26]))
    with pytest.raises(NotAMap, match=r"such as \(7, 7, 7\) for index 0"):
        open_dataset("ade20k", tmp_path, "val")[0]
    put(path, LABEL, grey([0, 1, 2]))
    assert open_dataset("ade20k", tmp_path, "val")[0].label.tolist() == [[150, 0], [1, 0]]


@pytest.mark.parametrize(
    "palette",
    [
        grey([0, 85, 170, 255]),  # ids spread to be seen: 170 and 255 are none
        np.arange(300).reshape(100, 3) % 256,  # colours that no class has
        np.vstack([[0, 0, 0], ClassTable.shipped("ade20k").colors]),  # the dataset's own
    ],
    ids=["spread", "other", "own"],
)
def test_a_palette_that_says_nothing_else_decides_nothing(tmp_path: Path, palette: np.ndarray) -> None:
    put(ade20k(tmp_path), LABEL, palette)
    assert open_dataset("ade20k", tmp_path, "val")[0].label.tolist() == [[150, 0], [1, 0]]
    assert verify("ade20k", tmp_path).ok


def test_an_encoding_is_still_recognised_below_a_palette(tmp_path: Path) -> None:
    trees.cityscapes(tmp_path, names=("a_0",), split="val")
    path = tmp_path / "gtFine/val/a/a_0_gtFine_labelIds.png"
    shipped = ClassTable.shipped("cityscapes")
    train_ids = [int(np.flatnonzero(shipped.evaluate_as == index)[0]) for index in range(19)]
    put(path, np.arange(32, dtype=np.uint8).reshape(4, 8) % 19, shipped.colors[train_ids])
    kinds = {problem.kind: problem.message for problem in verify("cityscapes", tmp_path).problems}
    assert "shows other classes" in kinds["colour"]
    assert "trainIds" in kinds["encoding"]


def test_only_a_png_with_a_palette_has_one(tmp_path: Path) -> None:
    palette = palette_of(put(tmp_path / "p.png", LABEL, COLORS))
    assert palette is not None
    assert palette[:3].tolist() == COLORS.tolist()
    assert palette_of(trees.put_map(tmp_path / "g.png", [[1]])) is None
    assert palette_of(trees.put_photo(tmp_path / "j.jpg", 8, 8)) is None
