"""The CLIP score by its definition and, with a tiny random CLIP, against torchmetrics from pictures to the number."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.metrics import clip_text, vit
from sdm_bench.metrics.clip_score import clip_score, clip_scores
from sdm_bench.metrics.clip_text import CLIPText, text_features, tokenizer
from sdm_bench.metrics.vit import readings, vit_extractor

needs_library = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers (extra `vit`) is absent")
NAME = "clip-vit-b-16"
CAPTIONS = ["a photo of a cat", "Two  Dogs, and l'été in the 'Straße' 12!", "grass", "word " * 100]


def test_scores_are_cosines_times_a_hundred() -> None:
    pictures = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]], np.float32)
    captions = np.array([[6.0, 8.0], [0.0, 5.0], [0.0, -1.0]], np.float32)
    scores = clip_scores(pictures, captions)
    assert scores == pytest.approx([100, 0, -100])
    assert clip_score(scores) == 0
    assert clip_score(scores[:2]) == pytest.approx(50)
    assert clip_score(-scores[:1]) == 0
    with pytest.raises(UserError, match="dimensions"):
        clip_scores(pictures, captions[:, :1])
    with pytest.raises(UserError, match=r"NaN|finite"):
        clip_scores(pictures * np.nan, captions)


@needs_library
def test_tokens_are_those_of_openai() -> None:
    """By openai/CLIP's own tokenizer, which MMSegmentation holds a copy of."""
    theirs = importlib.import_module("mmseg.utils.tokenizer")
    for caption in CAPTIONS:
        ids = theirs.tokenize(caption, context_length=200)[0]
        assert tokenizer()(caption)["input_ids"] == ids[ids > 0].tolist()
    assert tokenizer()(CAPTIONS[0])["input_ids"] == [49406, 320, 1125, 539, 320, 2368, 49407]


@needs_library
def test_another_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_text, "VOCABULARY_SHA256", "0" * 64)
    with pytest.raises(UserError, match="not the vocabulary of openai/CLIP"):
        clip_text._merges()
    monkeypatch.setattr(clip_text, "VOCABULARY", Path("nothing"))
    with pytest.raises(UserError, match="mmseg/nothing is not installed"):
        clip_text._merges()


def tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A random CLIPModel of two narrow layers each, and the readings of its kind."""
    library = importlib.import_module("transformers")
    narrow = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    about = readings()[NAME]
    picture = about.model_copy(update={"settings": about.settings | narrow | {"projection_dim": 8}})
    text = CLIPText(**narrow, projection_dim=8)
    changed = {**readings(), NAME: picture}
    monkeypatch.setattr(vit, "readings", lambda: changed)
    monkeypatch.setattr(clip_text, "TEXT_ENCODERS", {NAME: text})
    torch.manual_seed(0)
    config = library.CLIPConfig(
        text_config=text.model_dump(), vision_config=picture.settings, projection_dim=8
    )  # fmt: skip
    model = library.CLIPModel(config).eval().requires_grad_(False)
    for value in model.parameters():
        value.data.normal_(0, 0.3)
    return model


class Earlier:
    """A CLIPModel whose features are tensors, as torchmetrics expects and transformers 5 no longer gives."""

    def __init__(self, model: Any):
        self.model, self.config = model, model.config

    def to(self, device: torch.device) -> "Earlier":
        return self

    def get_image_features(self, pixels: Tensor) -> Tensor:
        return self.model.get_image_features(pixels).pooler_output

    def get_text_features(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.model.get_text_features(ids, mask).pooler_output


@needs_library
def test_pictures_and_captions_are_scored_as_by_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caption of more than 77 tokens is cut as there."""
    library = importlib.import_module("transformers")
    multimodal = pytest.importorskip("torchmetrics.multimodal")
    model = tiny(monkeypatch)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40 + 30 * k, 90, 3), dtype=np.uint8) for k in range(4)]
    processor = library.CLIPProcessor(library.CLIPImageProcessorPil(), tokenizer())
    theirs = multimodal.CLIPScore(lambda: (Earlier(model), processor))
    tensors = [torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures]
    with pytest.warns(UserWarning, match="caption longer than"):
        each = [float(theirs(tensor, caption)) for tensor, caption in zip(tensors, CAPTIONS, strict=True)]
    weights = model.state_dict()
    extractor = vit_extractor(NAME, weights, "cpu")
    with torch.inference_mode():
        features = np.concatenate([extractor.module(extractor.resize(each)[None]).numpy() for each in pictures])
    words = text_features(NAME, weights, CAPTIONS, "cpu")
    scores = clip_scores(features, words.features)
    assert words.cut == 1
    assert np.maximum(scores, 0) == pytest.approx(np.array(each), abs=2e-3)
    assert clip_score(scores) == pytest.approx(max(float(theirs.score / theirs.n_samples), 0), abs=2e-3)
    assert scores.std() > 1, "a caption matters"
    assert text_features(NAME, weights, CAPTIONS[2:3], "cpu").features == pytest.approx(words.features[2:3], abs=1e-5)


@needs_library
def test_weights_without_a_text_encoder_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {key: value for key, value in tiny(monkeypatch).state_dict().items() if "text_projection" not in key}
    with pytest.raises(UserError, match=r"clip-vit-b-16: these are not the weights of CLIPTextModel(?s:.*)1 missing"):
        text_features(NAME, weights, CAPTIONS, "cpu")
