"""What is measured has an identity, and is exactly the pictures of the split."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized
from sdm_bench.results.sample_sets import SampleSet, open_images, open_run, spell_seeds
from sdm_bench.sampling.folders import SampleFolder
from tests.evaluation.measured import make_run, noisy, real_at


@pytest.fixture
def real(toy_cityscapes: Path) -> Resized:
    return real_at(toy_cityscapes)


@pytest.fixture
def run(real: Resized, tmp_path: Path) -> Path:
    """Two seeds of noisy photographs."""
    return make_run(tmp_path / "run", real, [0, 1], noisy)


def other_maps(root: Path, target: Path) -> Path:
    """The scenes with other label maps under the same ids."""
    shutil.copytree(root, target)
    for path in target.rglob("val/**/*_labelIds.png"):
        Image.fromarray(np.asarray(Image.open(path))[::-1].copy()).save(path)
    return target


def test_the_digest_is_that_of_who_made_which_pictures_of_which_maps(real: Resized, run: Path, tmp_path: Path) -> None:
    first = open_run(run, real.dataset)
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    assert open_run(moved, real.dataset).digest == first.digest
    others = {
        "seeds": open_run(run, real.dataset, seeds=[0]),
        "options": open_run(make_run(tmp_path / "guided", real, [0, 1], noisy, guidance=2.0), real.dataset),
        "weights": open_run(make_run(tmp_path / "w", real, [0, 1], noisy, weights_sha256="1"), real.dataset),
        "nobody's": open_images(run / "samples/seed-000", "a", real.dataset),
        "another name": open_images(run / "samples/seed-000", "b", real.dataset),
        "pictures": open_images(run / "samples/seed-001", "a", real.dataset),
        "track": replace(open_images(run / "samples/seed-000", "a", real.dataset), track="text"),
    }
    digests = [first.digest, *(each.digest for each in others.values())]
    assert len(set(digests)) == len(digests)


def test_a_set_says_its_seeds_and_size(real: Resized, run: Path) -> None:
    found = open_run(run, real.dataset, seeds=[1])
    assert (found.seeds, found.size, found.size_title, found.incomplete) == ("1", (32, 64), "64x32", "")
    assert found.images[1].ids == tuple(record.id for record in real.dataset.records)
    with pytest.raises(UserError, match=r"--seeds 1-2: .*run has the seeds 0-1"):
        open_run(run, real.dataset, seeds=[1, 2])
    with pytest.raises(UserError, match=r"--seeds 1: .* has the seeds 0"):
        open_images(run / "samples/seed-000", None, real.dataset, seeds=[1])


def test_samples_of_other_label_maps_are_refused(
    real: Resized, run: Path, toy_cityscapes: Path, tmp_path: Path
) -> None:
    others = open_dataset("cityscapes", other_maps(toy_cityscapes, tmp_path / "others"), "val")
    with pytest.raises(UserError, match=r"samples of other label maps than those in .*others"):
        open_run(run, others)
    theirs = (open_images(run / "samples/seed-000", "a", dataset) for dataset in (real.dataset, others))
    assert len({each.digest for each in theirs}) == 2


def remove_one(folder: Path) -> None:
    sorted(folder.iterdir())[2].unlink()


def add_one(folder: Path) -> None:
    shutil.copy(sorted(folder.iterdir())[0], folder / "extra.png")


def repeat_one(folder: Path) -> None:
    first = sorted(folder.iterdir())[0]
    Image.open(first).save(first.with_suffix(".webp"), lossless=True)


@pytest.mark.parametrize(
    ("change", "message", "said"),
    [
        (remove_one, "1 missing ({2})", "1 of 5 missing"),
        (add_one, "1 not of the split (extra)", "1 not of the split"),
        (repeat_one, "1 twice ({0}: ", "1 twice"),
    ],
)
@pytest.mark.parametrize("of_run", [True, False], ids=["run", "images"])
def test_missing_extra_and_double_pictures_are_refused_with_their_ids(
    change: Callable[[Path], None], message: str, said: str, of_run: bool, real: Resized, run: Path
) -> None:
    ids = [record.id for record in real.dataset.records]
    folder = run / "samples" / "seed-001"
    change(folder)

    def opened(allow: bool) -> SampleSet:
        if of_run:
            return open_run(run, real.dataset, allow_incomplete=allow)
        return open_images(folder, "theirs", real.dataset, allow_incomplete=allow)

    with pytest.raises(UserError) as caught:
        opened(False)
    assert message.format(*ids) in caught.value.message
    assert "--allow-incomplete" in caught.value.message
    assert ("`sdm-bench generate` resumes" in caught.value.message) is of_run
    allowed = opened(True)
    assert allowed.incomplete == said
    expected = ids[:2] + ids[3:] if change is remove_one else ids
    assert all(source.ids == tuple(expected) for source in allowed.images.values())


def test_pictures_of_nothing_in_the_split_are_refused(real: Resized, tmp_path: Path) -> None:
    write_png(tmp_path / "other.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(UserError, match="no picture belongs to a label map of the split"):
        open_images(tmp_path, None, real.dataset, allow_incomplete=True)


def test_several_sizes_are_named_with_their_counts_whatever_the_order(real: Resized, tmp_path: Path) -> None:
    messages = set()
    for position in (0, -1):
        folder = tmp_path / str(position)
        for example in real:
            write_png(folder / f"{example.id}.png", noisy(example, 0))
        write_png(sorted(folder.iterdir())[position], np.zeros((4, 8, 3), np.uint8))
        found = open_images(folder, "theirs", real.dataset)
        assert found.size_title == "several"
        with pytest.raises(UserError) as caught:
            _ = found.size
        messages.add(caught.value.message.removeprefix(str(folder)))
    assert messages == {": pictures of several sizes: 64x32 (4), 8x4 (1); expected one size"}


def test_a_run_holds_pictures_of_the_size_that_it_says(real: Resized, run: Path) -> None:
    write_png(SampleFolder(run).sample(real[0].id, 0), np.zeros((4, 8, 3), np.uint8))
    with pytest.raises(UserError, match=r"pictures of 64x32 \(9\), 8x4 \(1\); run\.json says 64x32"):
        open_run(run, real.dataset)


def test_a_folder_without_run_json_says_what_was_expected(real: Resized, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no samples; expected run\.json"):
        open_run(tmp_path, real.dataset)


@pytest.mark.parametrize(("seeds", "spelled"), [([0], "0"), ([2, 0, 1], "0-2"), ([0, 4], "0,4")])
def test_seeds_are_spelled_as_ranges(seeds: list[int], spelled: str) -> None:
    assert spell_seeds(seeds) == spelled


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("real photographs", "what tables call the photographs themselves"),
        ("Real  Photographs", "what tables call the photographs themselves"),
        ("sdm", "what tables call samples of SDM"),
        ("SDM", "what tables call samples of SDM"),
        ("cc-fpse", "what tables call samples of CC-FPSE"),
        ("ddpm, concatenated label map", "what tables call samples of DDPM"),
        ("\uff33\uff24\uff2d", "what tables call samples of SDM"),
        ("", "empty"),
        (" \t", "empty"),
        ("a" * 81, "81 characters; expected up to 80"),
        ("a\x1b[31mb", "control characters"),
        ("a\nb", "control characters"),
    ],
)
def test_names_that_would_be_taken_for_something_else_are_refused(
    name: str, said: str, real: Resized, run: Path
) -> None:
    with pytest.raises(UserError, match=f"^--name '.*{said}.*; choose another"):
        open_images(run / "samples/seed-000", name, real.dataset)


def test_a_folder_called_like_a_method_needs_a_name(real: Resized, run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run / "samples/seed-000", tmp_path / "theirs" / "sdm"))
    with pytest.raises(UserError, match=r"its folder is called 'sdm': what tables call samples of SDM; give --name"):
        open_images(folder, None, real.dataset)
    assert open_images(folder, "their  sdm", real.dataset).name == "their sdm"
