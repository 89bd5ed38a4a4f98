"""Label maps whose ids were blended are told from whole ones."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Resampling

from sdm_bench.datasets.blending import blended, borders
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.verify import verify
from tests.datasets import trees


def maps(root: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(record.label)) for record in open_dataset("cityscapes", root, "val").records]


def resized(label: np.ndarray, scale: float, how: Resampling) -> np.ndarray:
    height, width = (int(side * scale) for side in label.shape)
    return np.asarray(Image.fromarray(label).resize((width, height), how))


def test_borders_are_counted_in_both_directions() -> None:
    assert borders(np.array([[0, 0, 9], [0, 4, 9], [0, 9, 9]], np.uint8)) == (4, 2)
    assert borders(np.array([[0, 9, 4]], np.uint8)) == (1, 0)
    assert borders(np.array([[9, 4, 0]], np.uint8)) == (1, 1)


@pytest.mark.parametrize("scale", [1, 0.5, 0.7])
def test_whole_label_maps_are_as_they_should_be(toy_cityscapes: Path, scale: float) -> None:
    assert blended(borders(resized(label, scale, Resampling.NEAREST)) for label in maps(toy_cityscapes)) == ""


@pytest.mark.parametrize("how", [Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS, Resampling.BOX])
@pytest.mark.parametrize("scale", [0.7, 2])
def test_blended_ones_are_told(toy_cityscapes: Path, scale: float, how: Resampling) -> None:
    if (scale, how) != (2, Resampling.BOX):  # a box larger than a pixel copies it
        assert "resized with blending" in blended(borders(resized(each, scale, how)) for each in maps(toy_cityscapes))


def test_maps_out_of_a_jpeg_are_told(toy_cityscapes: Path) -> None:
    found = []
    for label in maps(toy_cityscapes):
        stored = io.BytesIO()
        Image.fromarray(label).save(stored, format="JPEG", quality=75)
        found.append(borders(np.asarray(Image.open(stored))))
    assert "out of a JPEG" in blended(found)


def test_few_borders_tell_nothing() -> None:
    assert blended([(499, 499)]) == blended([]) == ""


def test_verify_warns_of_them(tmp_path: Path) -> None:
    rng, root = np.random.default_rng(0), tmp_path
    label = rng.integers(1, 151, (8, 8)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    for name, how in (("whole", Resampling.NEAREST), ("blended", Resampling.BILINEAR)):
        trees.put_photo(root / name / "images/validation/a.jpg", 96, 96)
        trees.put_map(root / name / "annotations/validation/a.png", resized(label, 1.5, how))
    said = [remark.message for remark in verify("ade20k", root / "blended").warnings]
    assert any(each.startswith("are these label maps resized with blending") for each in said)
    assert not any("blending" in remark.message for remark in verify("ade20k", root / "whole").warnings)
