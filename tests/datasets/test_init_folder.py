"""A classes.yaml is written from what label maps hold, and never over another one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.init_folder import init_folder
from sdm_bench.datasets.verify import verify
from tests.datasets import trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = trees.folder(tmp_path / "street scenes")
    (found / "classes.yaml").unlink()
    return found


def test_ids_of_sixteen_bits(root: Path) -> None:
    trees.put_map(root / "train/labels/a.png", [[3, 40000, 65535, 3, 3, 3]] * 4, np.uint16)
    assert init_folder(root) == [
        f"{root / 'classes.yaml'}: 4 ids of 2 label maps; names are made up",
        "ignored: 65535, 4 pixels in 1 of 2 label maps",
    ]
    text = (root / "classes.yaml").read_text()
    assert '\nname: "street-scenes"\nsize: [4, 6]  # height, width; 2 of 2 label maps have it\n' in text
    assert "\n- {id: 3, name: class 3, color: [" in text
    assert "]}  # 16 pixels in 1 of 2 label maps\n" in text
    dataset = Folder(root, "train")
    assert dataset.class_file.ids == (0, 1, 3, 40000)
    assert dataset.class_file.ignored_ids == (65535,)
    assert len({*map(tuple, dataset.classes.colors.tolist())}) == 5
    assert verify("folder", root).ok


def test_colours(root: Path) -> None:
    for name in "ab":
        pixels = np.zeros((4, 6, 3), np.uint8)
        pixels[1:] = (128, 64, 128)
        Image.fromarray(pixels).save(root / f"train/labels/{name}.png")
    init_folder(root)
    dataset = Folder(root, "train")
    assert dataset.classes.names == ("class 0-0-0", "class 128-64-128")
    assert dataset[0].label[:, 0].tolist() == [0, 1, 1, 1]


def test_a_palette_gives_the_colours(root: Path) -> None:
    for name in "ab":
        trees.put_palette(root / f"train/labels/{name}.png", [[0, 2, 2, 2, 2, 2]] * 4)
    init_folder(root)
    palette = [(37 * k + 101) % 256 for k in range(9)]
    assert Folder(root, "train").classes.colors.tolist() == [palette[:3], palette[6:9]]


def test_one_that_is_there_stays(root: Path) -> None:
    (root / "classes.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"classes\.yaml: is there already and stays as it is"):
        init_folder(root)
    assert (root / "classes.yaml").read_text() == "mine"


def test_what_can_be_no_label_maps_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: no label maps; expected classes\.yaml and"):
        init_folder(tmp_path / "empty")
    trees.put_photo(root / "train/labels/b.png", 4, 6)
    with pytest.raises(UserError, match=r"b\.png: holds colours, but .*a\.png ids; expected one kind"):
        init_folder(root)
    trees.put_photo(root / "train/labels/a.png", 20, 20)
    with pytest.raises(UserError, match=r"400 colours in the label maps, like .*; expected at most 255 classes"):
        init_folder(root)
    assert not (root / "classes.yaml").exists()
