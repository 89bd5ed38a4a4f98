"""Mask2Former through `transformers`: a tiny random one against the authors' inference and the benchmarks' classes."""

import importlib
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.datasets.base import ClassTable
from sdm_bench.weights import store
from sdm_bench.weights.registry import entry, registry
from sdm_bench.weights.store import CACHE_VARIABLE, MissingWeights, save
from segmenters import mask2former
from segmenters.architectures import released_names
from segmenters.preprocessing import PREPROCESSING, ShortestEdge

CPU = torch.device("cpu")
ADE = "ade20k-mask2former-swin-l"
SHORT = 96
SWIN = {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "window_size": 2, "image_size": 32}
NARROW = {
    "num_queries": 5, "hidden_dim": 32, "feature_size": 32, "mask_feature_size": 32, "encoder_layers": 1,
    "decoder_layers": 2, "encoder_feedforward_dim": 16, "dim_feedforward": 16, "num_attention_heads": 2,
}  # fmt: skip
# What the installed library calls the parts of published files, the longest first.
PUBLISHED = {
    "encoder.swin.encoder.": "encoder.encoder.",
    "encoder.swin.embeddings.": "encoder.embeddings.",
    "attention.relative_position_bias.relative_position_bias_table": "attention.self.relative_position_bias_table",
    "attention.q_proj": "attention.self.query",
    "attention.k_proj": "attention.self.key",
    "attention.v_proj": "attention.self.value",
    "attention.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers (extra `vit`) is absent")


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask2former, "SWIN", {**mask2former.SWIN, **SWIN})
    monkeypatch.setattr(mask2former, "MASK2FORMER", NARROW)


def published(name: str) -> str:
    if "pixel_level_module.encoder" in name:
        for ours, theirs in PUBLISHED.items():
            name = name.replace(ours, theirs)
    return name


def drawn(num_classes: int) -> dict[str, Tensor]:
    """Random tensors under the names of published files, which hold no last norm and one thing that is computed."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        published(name): torch.randn(value.shape, generator=generator) * 0.3
        + name.endswith(("norm.weight", "1.weight"))
        for name, value in mask2former._library_network(num_classes).state_dict().items()
        if not name.startswith(mask2former.UNUSED_NORM)
    }
    # masks of a few logits, neither all on nor all off
    tensors["model.pixel_level_module.decoder.mask_projection.weight"] *= 0.05
    block = "model.pixel_level_module.encoder.encoder.layers.0.blocks.0.attention.self"
    return tensors | {f"{block}.relative_position_index": torch.zeros(4, 4, dtype=torch.long)}


def cached(monkeypatch: pytest.MonkeyPatch, folder: Path, tensors: dict[str, Tensor]) -> None:
    """The tensors in the cache under the name of ADE20K's."""
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    monkeypatch.setattr(store, "entry", lambda name: entry(name).model_copy(update={"tensors_sha256": None}))
    save(entry(ADE), tensors, "made by the tests", "0")


def authors_classes(network: Any, picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The authors' semantic inference, spelt out: resized, normalised, padded to 32, masks times classes, resized."""
    height, width = (round(side * SHORT / min(picture.shape[:2])) for side in picture.shape[:2])
    resized = np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    x = torch.from_numpy((resized - mean) / std).float().permute(2, 0, 1)[None]
    padded = torch.zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
    padded[:, :, :height, :width] = x
    with torch.no_grad():
        found = network(pixel_values=padded)
    masks = F.interpolate(found.masks_queries_logits, padded.shape[2:], mode="bilinear", align_corners=False)
    scores = torch.einsum("bqc,bqhw->bchw", found.class_queries_logits.softmax(-1)[..., :-1], masks.sigmoid())
    whole = F.interpolate(scores[:, :, :height, :width], size, mode="bilinear", align_corners=False)
    classes: np.ndarray = whole.argmax(1)[0].numpy()
    return classes


def test_predictions_are_the_authors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At a smaller size than theirs."""
    smaller = replace(PREPROCESSING["mask2former-640"], sizes=ShortestEdge(SHORT, 2560))
    monkeypatch.setitem(PREPROCESSING, "mask2former-640", smaller)
    tensors = drawn(150)
    for name in ("queries_embedder.weight", "queries_features.weight"):
        # queries that differ look at different places
        tensors[f"model.transformer_module.{name}"] *= 10
    cached(monkeypatch, tmp_path, tensors)
    segmenter = load_segmenter(ADE, "ade20k", ClassTable.shipped("ade20k"), CPU)
    picture = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    passes = segmenter.prepare(picture)
    assert [tuple(each.shape) for each in passes] == [(3, SHORT, 108)]
    (found,) = segmenter.classes(segmenter.scores([each[None] for each in passes]), [(64, 72)])
    expected = authors_classes(segmenter.network.network, picture, (64, 72))
    assert len(np.unique(expected)) > 1
    assert (found == expected).mean() > 0.995
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("dataset", "index", "name"),
    [("ade20k", 0, "wall"), ("ade20k", 12, "person"), ("ade20k", 149, "flag"), ("cityscapes", 18, "bicycle")],
)
def test_output_k_is_the_benchmarks_class_k(
    dataset: str, index: int, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A network whose class predictor says one class whatever it sees."""
    table = ClassTable.shipped(dataset)
    count = len(table.evaluated_names)
    tensors = drawn(count)
    tensors["class_predictor.weight"] = torch.zeros(count + 1, NARROW["hidden_dim"])
    tensors["class_predictor.bias"] = torch.zeros(count + 1).index_fill(0, torch.tensor([index]), 9.0)
    weights = f"{dataset}-mask2former-swin-l"
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    save(entry(weights), tensors, "made by the tests", "0")
    segmenter = load_segmenter(weights, dataset, table, CPU)
    scores = segmenter.scores([torch.zeros(1, 3, 32, 40)])
    assert tuple(scores[0].shape) == (1, count, 32, 40)
    (found,) = segmenter.classes(scores, [(16, 20)])
    assert np.unique(found).tolist() == [index]
    assert table.evaluated_names[index] == name


def test_what_is_not_in_the_file_decides_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cached(monkeypatch, tmp_path, drawn(150))
    network = load_segmenter(ADE, "ade20k", ClassTable.shipped("ade20k"), CPU).network
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = network.encode_decode(x, [])
        for name, value in network.network.named_parameters():
            if name.startswith(mask2former.UNUSED_NORM):
                value += 5
        assert torch.equal(network.encode_decode(x, []), before)


def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = ClassTable.shipped("ade20k")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(MissingWeights, match=f"weights import {ADE} FILE"):
        load_segmenter(ADE, "ade20k", table, CPU)
    tensors = drawn(150)
    del tensors["model.transformer_module.queries_embedder.weight"]
    cached(monkeypatch, tmp_path, tensors)
    with pytest.raises(UserError, match=r"Mask2Former on Swin-L: these are not the weights (?s:.*)queries_embedder"):
        load_segmenter(ADE, "ade20k", table, CPU)
    cached(monkeypatch, tmp_path, drawn(133))
    with pytest.raises(UserError, match=r"class_predictor.weight \(file \(134, 32\)"):
        load_segmenter(ADE, "ade20k", table, CPU)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"Mask2Former.* need the library `transformers`.*sdm-bench\[vit\]"):
        load_segmenter(ADE, "ade20k", table, CPU)


def test_sizes_are_those_of_detectron2() -> None:
    assert ShortestEdge(640, 2560)((512, 512)) == ((640, 640),)
    assert ShortestEdge(640, 2560)((333, 500)) == ((640, 961),)
    assert ShortestEdge(640, 2560)((100, 1000)) == ((256, 2560),)
    assert PREPROCESSING["mask2former-1024"].sizes((512, 1024)) == ((1024, 2048),)


def test_the_published_sizes_are_those_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = [name for name, each in released_names().items() if each.build.startswith("segmenters.mask2former")]
    assert len(names) == 2
    importlib.import_module("transformers")
    for name in names:
        count = registry()[name].holds["class_predictor.weight"][0] - 1
        assert count == len(ClassTable.shipped(name.split("-")[0]).evaluated_names)
        with torch.device("meta"):
            shapes = {
                published(key): tuple(value.shape)
                for key, value in mask2former._library_network(count).state_dict().items()
            }
        assert registry()[name].holds == {key: shapes[key] for key in registry()[name].holds}
        assert sum(np.prod(shape) for shape in shapes.values()) == pytest.approx(215.5e6, rel=0.01)
