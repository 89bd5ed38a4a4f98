"""Preparing CelebAMask-HQ from its official release: both splits, resuming, and broken releases."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.datasets.celebamask_hq import CelebAMaskHQ
from sdm_bench.datasets.celebamask_hq_release import MAPPING, MASKS, PHOTOGRAPHS
from sdm_bench.datasets.maps import read_map
from sdm_bench.datasets.prepare import prepare, prepare_celebamask_hq
from sdm_bench.datasets.verify import verify
from tests.datasets import trees

ORIGINAL = {0: 5, 1: 162770, 1999: 162771, 2000: 182637, 27999: 182638, 28000: 3, 29999: 202598}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "release"
    for face in ORIGINAL:
        trees.put_photo(root / PHOTOGRAPHS / f"{face}.jpg", 16, 16)
        trees.put_part(root, face, "skin", slice(0, 300))
        trees.put_part(root, face, "hair", slice(200, 400))
    lines = ["      idx   orig_idx      orig_file", *(f"{k} {v} {v + 1:06d}.jpg" for k, v in ORIGINAL.items())]
    (root / MAPPING).write_text("\n".join(lines) + "\n")
    return root


def ids(folder: Path) -> dict[str, list[int]]:
    """The prepared faces of each split; images and labels must agree."""
    found = {}
    for split in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        labels, images = (
            sorted(int(path.stem) for path in (folder / split / kind).iterdir()) for kind in ("labels", "images")
        )
        assert labels == images
        found[split] = labels
    return found


def test_split_by_index(release: Path, tmp_path: Path) -> None:
    result = prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    assert ids(tmp_path / "out") == {"train": [0, 1, 1999, 2000, 27999], "test": [28000, 29999]}
    assert (result.counts, result.kept) == ({"train": 5, "test": 2}, 0)
    assert result.lines() == [
        f"celebamask_hq in {tmp_path / 'out'}, split rule index-28000: train 5, test 2 (0 were there already)"
    ]


def test_split_by_the_index_in_celeba(release: Path, tmp_path: Path) -> None:
    prepare_celebamask_hq(release, tmp_path / "out", "celeba")
    assert ids(tmp_path / "out") == {"train": [0, 1, 28000], "val": [1999, 2000], "test": [27999, 29999]}


def test_the_result_is_read_and_verified(release: Path, tmp_path: Path) -> None:
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    with Image.open(tmp_path / "out/train/labels/0.png") as picture:
        assert (picture.size, picture.mode) == ((512, 512), "L")
    example = CelebAMaskHQ(tmp_path / "out", "train")[0]
    assert example.label[:, 0].tolist() == [1] * 200 + [13] * 200 + [0] * 112
    assert verify("celebamask_hq", tmp_path / "out").ok


def test_photographs_are_linked_and_never_encoded_again(release: Path, tmp_path: Path) -> None:
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    assert (tmp_path / "out/train/images/0.jpg").samefile(release / PHOTOGRAPHS / "0.jpg")


def test_photographs_are_copied_where_links_fail(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    monkeypatch.setattr("os.link", refuse)
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    copy, source = tmp_path / "out/train/images/0.jpg", release / PHOTOGRAPHS / "0.jpg"
    assert not copy.samefile(source)
    assert copy.read_bytes() == source.read_bytes()
    assert prepare_celebamask_hq(release, tmp_path / "out", "index-28000").kept == 7


def test_the_release_may_lie_in_its_own_folder(release: Path, tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    release.rename(tmp_path / "above/CelebAMask-HQ")
    prepare_celebamask_hq(tmp_path / "above", tmp_path / "out", "celeba")
    assert len(ids(tmp_path / "out")) == 3


def test_a_second_run_keeps_what_is_whole(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare_celebamask_hq(release, out, "index-28000")
    whole, broken, gone = (out / f"train/labels/{face}.png" for face in (0, 1, 2000))
    before, expected = whole.stat().st_mtime_ns, broken.read_bytes()
    trees.truncate(broken)
    gone.unlink()
    (out / "test/images/29999.jpg").unlink()
    (out / "train/images/1999.jpg").unlink()
    (out / "train/images/1999.jpg").write_bytes(b"half")
    assert prepare_celebamask_hq(release, out, "index-28000").kept == 3
    assert whole.stat().st_mtime_ns == before
    assert broken.read_bytes() == expected
    assert gone.is_file()
    assert (out / "test/images/29999.jpg").is_file()
    assert (out / "train/images/1999.jpg").samefile(release / PHOTOGRAPHS / "1999.jpg")


def test_another_split_rule_in_one_folder_is_refused(release: Path, tmp_path: Path) -> None:
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    with pytest.raises(UserError, match="out: prepared with split rule 'index-28000', not 'celeba'"):
        prepare_celebamask_hq(release, tmp_path / "out", "celeba")
    assert json.loads((tmp_path / "out/prepared.json").read_text())["split_rule"] == "index-28000"


def test_a_folder_of_unknown_origin_is_refused(release: Path, tmp_path: Path) -> None:
    (tmp_path / "out/test").mkdir(parents=True)
    with pytest.raises(UserError, match=r"out: test is there, but no prepared.json"):
        prepare_celebamask_hq(release, tmp_path / "out", "celeba")
    assert os.listdir(tmp_path / "out") == ["test"]


def test_bad_masks_are_listed_and_the_rest_is_prepared(release: Path, tmp_path: Path) -> None:
    trees.truncate(trees.put_part(release, 0, "nose", slice(0, 9)))
    trees.truncate(trees.put_part(release, 0, "skin", slice(0, 9)))
    trees.put_map(release / MASKS / "14/29999_hat.png", np.zeros((256, 512)))
    for face in (3, 4, 5):
        trees.put_photo(release / PHOTOGRAPHS / f"{face}.jpg", 16, 16)
    trees.put_part(release, 2005, "skin", slice(0, 9))
    with pytest.raises(PartialFailure) as caught:
        prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    first, count, *listed = caught.value.message.splitlines()
    assert first.endswith("train 4, test 1 (0 were there already)")
    assert count == "not prepared (5):"
    assert listed[0] == f"{release / MASKS}: no part masks of faces 3..5"
    assert listed[1] == f"{release / PHOTOGRAPHS}: no photographs of faces 2005"
    assert listed[2].startswith(f"{release / MASKS}/0/00000_skin.png: not a readable picture")
    assert listed[3].startswith(f"{release / MASKS}/0/00000_nose.png: not a readable picture")
    assert listed[4] == f"{release / MASKS}/14/29999_hat.png: 512x256 pixels; expected 512x512"
    assert ids(tmp_path / "out") == {"train": [1, 1999, 2000, 27999], "test": [28000]}


def test_a_mask_in_a_colour_that_the_official_merge_does_not_see_is_refused(release: Path, tmp_path: Path) -> None:
    red = np.zeros((512, 512, 3), np.uint8)
    red[:9, :, 0] = 255
    Image.fromarray(red).save(release / MASKS / "0/00000_skin.png")
    with pytest.raises(PartialFailure, match=r"0/00000_skin\.png: a mask in a colour without blue"):
        prepare_celebamask_hq(release, tmp_path / "out", "index-28000")


def test_masks_of_unknown_parts_are_named_and_passed_over(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.put_part(release, 0, "beard", slice(0, 512))
    trees.put_part(release, 1, "hat", slice(0, 512)).rename(release / MASKS / "14/00001_hat.png")
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    talk = capsys.readouterr().err
    assert "2 files passed over, not <face>_<part>.png: 0/00000_beard.png, 14/00001_hat.png" in talk
    assert "7 of the release's 30000 photographs are there" in talk
    label = read_map(tmp_path / "out/train/labels/1.png")
    assert set(np.unique(label)) == {0, 1, 13}


@pytest.mark.parametrize("folder", [PHOTOGRAPHS, MASKS])
def test_an_absent_folder_is_named(release: Path, tmp_path: Path, folder: str) -> None:
    (release / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(
        UserError, match=rf"release: no sub-folder {folder}; expected CelebA-HQ-img/0.jpg..29999.jpg and"
    ):
        prepare_celebamask_hq(release, tmp_path / "out", "index-28000")
    assert not (tmp_path / "out").exists()


def test_absent_mask_folders_are_named(release: Path, tmp_path: Path) -> None:
    (release / MASKS / "0").rename(tmp_path / "zero")
    (release / MASKS / "1").rename(tmp_path / "one")
    with pytest.raises(UserError, match=r"mask-anno: no sub-folder 0..1, which the photographs need"):
        prepare_celebamask_hq(release, tmp_path / "out", "index-28000")


def test_photographs_under_other_names_are_not_guessed(release: Path, tmp_path: Path) -> None:
    for path in sorted((release / PHOTOGRAPHS).iterdir()):
        path.rename(path.with_name(f"0{path.name}"))
    with pytest.raises(UserError, match=r"CelebA-HQ-img: no photographs; expected 0.jpg to 29999.jpg"):
        prepare_celebamask_hq(release, tmp_path / "out", "index-28000")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 5 000006.jpg\nface 1 x\n", r"mapping.txt: line 2 is 'face 1 x'; expected a face"),
        (None, "mapping.txt: not found; split rule celeba needs"),
        ("idx orig_idx orig_file\n0 5 000006.jpg\n1 x\n", r"mapping.txt: line 3 is '1 x'; expected a face"),
        ("0 5 000006.jpg\n1 162770 162771.jpg\n", r"mapping.txt: no line for faces 1999..2000, 27999..28000, 29999"),
    ],
)
def test_a_mapping_that_does_not_tell_is_refused(release: Path, tmp_path: Path, text: str | None, message: str) -> None:
    (release / MAPPING).unlink()
    if text:
        (release / MAPPING).write_text(text)
    with pytest.raises(UserError, match=message):
        prepare_celebamask_hq(release, tmp_path / "out", "celeba")
    assert not (tmp_path / "out").exists()
    prepare_celebamask_hq(release, tmp_path / "out", "index-28000")


def test_wrong_rules_and_options_are_told_the_right_ones(release: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Unknown split rule 'celebA'. Did you mean 'celeba'"):
        prepare("celebamask_hq", release, tmp_path / "out", split_rule="celebA")
    with pytest.raises(UserError, match=r"Unknown option of celebamask_hq 'split'. Did you mean 'split_rule'"):
        prepare("celebamask_hq", release, tmp_path / "out", split="celeba")


def test_one_entry_for_all_datasets(release: Path, tmp_path: Path) -> None:
    assert prepare("celebamask_hq", release, tmp_path / "out").counts == {"train": 5, "test": 2}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("cityscapes", "unzip -n gtFine_trainvaltest.zip -d {0}"),
        ("ade20k", "unzip -n ADEChallengeData2016.zip -d {0}"),
        ("coco_stuff", "unzip -n stuffthingmaps_trainval2017.zip -d {0}/stuffthingmaps"),
        ("folder", "layout: classes.yaml and [<split>/]{{images,labels[,instances]}}"),
    ],
)
def test_other_datasets_need_none(tmp_path: Path, name: str, command: str) -> None:
    with pytest.raises(UserError, match=f"^{name} is read as it is, nothing is to be prepared") as caught:
        prepare(name, tmp_path, tmp_path / "out")
    lines = caught.value.message.splitlines()
    assert command.format(tmp_path / "out") in lines
    assert lines[-1].startswith("layout: ")
