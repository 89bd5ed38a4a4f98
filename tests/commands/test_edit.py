"""sdm-bench edit, as it is typed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.files import read_json
from sdm_bench.datasets.pictures import read_image
from tests.commands.test_commands import sdm_bench

TOY = ("--method", "sdm", "--checkpoint", "toy")
FAST = ("--solver", "ddim", "--solver-steps", "2", "--guidance", "1", "--device", "cpu")


@pytest.fixture
def files(toy_pairs: Path, tmp_path: Path) -> dict[str, str]:
    """One pair's files, by what they are."""
    name = next((toy_pairs / "images").iterdir()).name
    found = {}
    for kind in ("images", "labels", "edited", "instances"):
        (tmp_path / kind).mkdir()
        shutil.copyfile(toy_pairs / kind / name, tmp_path / kind / "street.png")
        found[kind] = str(tmp_path / kind / "street.png")
    return found


def test_one_picture_is_edited_outside_to_the_bit(files: dict[str, str], tmp_path: Path) -> None:
    single = (files["images"], files["labels"], files["edited"], "--instances", files["instances"])
    out = tmp_path / "out"
    jumps = ("--jump-length", "1", "--jump-samples", "2", "--margin", "1", "--seeds", "0-1")
    sdm_bench("edit", *single, *TOY, *FAST, *jumps, "--out", str(out))
    erased = np.asarray(Image.open(out / "masks" / "street.png")) > 0
    source = read_image(Path(files["images"]))
    for seed in (0, 1):
        made = read_image(out / "samples" / f"seed-{seed:03d}" / "street.png")
        assert (made == source)[~erased].all()
        assert (made != source)[erased].any()
    about = read_json(out / "edit.json")
    assert (about["options"]["jump_samples"], about["evaluations"]) == (2, 3)
    assert about["command"].startswith("sdm-bench")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "say what to edit: IMAGE, LABELS and EDITED_LABELS, --pairs FOLDER, or --draw"),
        (("{images}", "{labels}"), "say what to edit"),
        (("{images}", "{labels}", "{labels}", "--instances", "{instances}"), "the same label map as"),
        (("--pairs", ".", "--mask", "{labels}"), "--pairs . with --mask: the folder says all"),
        (("--pairs", "images"), "no pairs; expected images/, labels/ and edited/"),
        (("--draw", "--pairs", "."), "--pairs with --draw: on the page"),
        (("--draw", "--margin", "2"), "--margin with --draw: on the page"),
        (("--draw", "--seeds", "0-3"), "--seeds with --draw: on the page"),
        (("--draw", "--instances", "{instances}"), "--instances with --draw: without IMAGE"),
        (("{images}", "{labels}", "{edited}", "--port", "8000"), "--port 8000: does nothing without --draw"),
        (("{images}", "{labels}", "{edited}", "--jump-length", "3"), "--jump-length 3: does nothing without"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    arguments: tuple[str, ...], expected: str, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = [each.format(**files) for each in arguments]
    output = sdm_bench("edit", *typed, *TOY, *FAST, "--out", "out", code=2).output
    assert expected in output
    assert not Path("out").exists()


def test_several_processes_do_not_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    output = sdm_bench("edit", "--draw", *TOY, "--out", "out", code=2).output
    assert "--draw: one process serves the page; start it without torchrun" in output
