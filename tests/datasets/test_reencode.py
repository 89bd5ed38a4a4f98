"""Label maps in another encoding are converted into a new folder, and nothing of the source changes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.datasets.encodings import COCO_STUFF_IDS
from sdm_bench.datasets.maps import read_map
from sdm_bench.datasets.prepare import prepare
from sdm_bench.datasets.verify import verify
from tests.datasets import trees

OFFICIAL = [[0, 12, 181, 255]] * 2


def digests(root: Path) -> dict[Path, str]:
    return {path: sha256_file(path) for path in root.rglob("*") if path.is_file()}


def coco(root: Path, values: object) -> Path:
    trees.put_map(root / "val_label/1.png", values)
    trees.put_map(root / "val_inst/1.png", [[1, 2, 3, 4]] * 2)
    trees.put_photo(root / "val_img/1.jpg", 2, 4)
    return root


def encoding_problems(root: Path, name: str) -> list[str]:
    return [problem.message for problem in verify(name, root).problems if problem.kind == "encoding"]


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ([[0, 11, 170, 255]] * 2, "COCO-Stuff's 171 consecutive ids"),
        ([[1, 13, 182, 0]] * 2, "COCO-Stuff's ids as 1..182 with 0 for unlabeled"),
    ],
)
def test_coco_stuff_is_recognised_and_converted(tmp_path: Path, values: list, title: str) -> None:
    source, out = coco(tmp_path / "source", values), tmp_path / "out"
    before = digests(source)
    (message,) = encoding_problems(source, "coco_stuff")
    assert message.startswith(f"1 label map not as coco_stuff has them, but {title}")
    assert message.endswith(f"`sdm-bench data prepare coco_stuff {source} OUT` converts them")
    (line,) = prepare("coco_stuff", source, out).lines()
    assert f"1 example; label maps: 1 from {title}" in line
    assert read_map(out / "val_label/1.png").tolist() == OFFICIAL
    assert (out / "val_img/1.jpg").samefile(source / "val_img/1.jpg")
    assert verify("coco_stuff", out).ok
    assert digests(source) == before
    assert "(1 were there already)" in prepare("coco_stuff", source, out).lines()[0]


def test_what_can_not_be_told_apart_is_asked_for(tmp_path: Path) -> None:
    source, out = coco(tmp_path / "source", [[0, 11, 170, 1]] * 2), tmp_path / "out"
    assert "or COCO-Stuff's ids as 1..182" in encoding_problems(source, "coco_stuff")[0]
    with pytest.raises(UserError, match=r"may be in 2 encodings; say --encoding 171 \(.*\) or --encoding 1-182"):
        prepare("coco_stuff", source, out)
    prepare("coco_stuff", source, out, encoding="171")
    assert read_map(out / "val_label/1.png")[0].tolist() == [0, 12, 181, 1]
    with pytest.raises(UserError, match=r"out: prepared from something else \(prepared\.json in it says what\)"):
        prepare("coco_stuff", source, out, encoding="1-182")
    with pytest.raises(UserError, match=r"Unknown encoding of coco_stuff '172'\. Did you mean '171'"):
        prepare("coco_stuff", source, tmp_path / "other", encoding="172")


def test_many_official_ids_below_171_are_doubted(tmp_path: Path) -> None:
    root = coco(tmp_path, [COCO_STUFF_IDS[:4], COCO_STUFF_IDS[4:8]])
    trees.put_map(root / "val_label/2.png", [COCO_STUFF_IDS[20:24]] * 2)
    trees.put_photo(root / "val_img/2.jpg", 2, 4)
    trees.put_map(root / "val_inst/2.png", [[0] * 4] * 2)
    report = verify("coco_stuff", root)
    assert report.ok
    assert report.warnings[0].message.startswith("no id above 170: are these COCO-Stuff's 171 consecutive ids")


def test_cityscapes_train_ids(tmp_path: Path) -> None:
    source = trees.cityscapes(tmp_path / "source")
    for path in source.rglob("*_gtFine_labelIds.png"):
        trees.put_map(path, [[0, 1, 13, 255, 0, 0, 0, 0]] * 4)
    assert "Cityscapes' trainIds" in encoding_problems(source, "cityscapes")[0]
    prepare("cityscapes", source, tmp_path / "out")
    path = next((tmp_path / "out").rglob("*_gtFine_labelIds.png"))
    assert read_map(path)[0].tolist() == [7, 8, 26, 0, 7, 7, 7, 7]


def test_equal_channels_beside_whole_maps(tmp_path: Path) -> None:
    source = trees.cityscapes(tmp_path / "source")
    label = source / "gtFine/train/a/a_0_gtFine_labelIds.png"
    values = read_map(label)
    Image.fromarray(np.repeat(values[..., None], 3, axis=2)).save(label)
    assert encoding_problems(source, "cityscapes")[0].startswith(
        "1 label map not as cityscapes has them, but ids three"
    )
    prepare("cityscapes", source, tmp_path / "out")
    assert read_map(tmp_path / "out" / label.relative_to(source)).tolist() == values.tolist()
    assert verify("cityscapes", tmp_path / "out").ok


def test_full_ade20k_can_not_be_converted(tmp_path: Path) -> None:
    label = tmp_path / "source/annotations/validation/ADE_val_1.png"
    label.parent.mkdir(parents=True)
    Image.fromarray(np.array([[[10, 226, 1], [110, 13, 2]]], np.uint8)).save(label)
    (message,) = encoding_problems(tmp_path / "source", "ade20k")
    assert "the full ADE20K, whose red and green hold one of 3,000 classes; its classes are others" in message
    assert "data prepare" not in message
    with pytest.raises(UserError, match=r"ADE_val_1\.png: the full ADE20K, .*; its classes are others"):
        prepare("ade20k", tmp_path / "source", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_values_over_a_byte_keeps_its_class_table(tmp_path: Path) -> None:
    source = trees.folder(tmp_path / "source")
    for path in (source / "train/labels").iterdir():
        trees.put_map(path, read_map(path) * 255)
    assert "but ids times 255, one bit spread over 0..255" in encoding_problems(source, "folder")[0]
    prepare("folder", source, tmp_path / "out")
    assert verify("folder", tmp_path / "out").ok
    assert not (tmp_path / "out/classes.yaml").samefile(source / "classes.yaml")


def test_what_an_encoding_lacks_fails_by_name_and_the_rest_is_done(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", [[0, 11, 170, 255]] * 2)
    trees.put_map(source / "val_label/2.png", [[181] * 4] * 2)
    with pytest.raises(PartialFailure, match=r"2\.png: not COCO-Stuff's 171 .*: 181 is no value of that encoding"):
        prepare("coco_stuff", source, tmp_path / "out", encoding="171")
    assert read_map(tmp_path / "out/val_label/1.png").tolist() == OFFICIAL


@pytest.mark.parametrize("out", ["source", "source/out", "."])
def test_the_source_stays_out_of_it(tmp_path: Path, out: str) -> None:
    source = coco(tmp_path / "source", [[1, 13, 182, 0]] * 2)
    with pytest.raises(UserError, match=r"inside or around .*source, which stays as it is"):
        prepare("coco_stuff", source, tmp_path / out)


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", [[1, 13, 182, 0]] * 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"out: not empty, and no prepared\.json in it"):
        prepare("coco_stuff", source, tmp_path / "out")


def test_options_go_with_what_they_are_of(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--split-rule celeba: expected the official release of celebamask_hq"):
        prepare("coco_stuff", coco(tmp_path, OFFICIAL), tmp_path / "out", split_rule="celeba")
