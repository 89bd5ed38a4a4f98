"""CLIP's text encoder: captions -> embeddings, by the `transformers` library (extra `vit`).

The vocabulary is the one of openai/CLIP, which MMSegmentation ships. A caption of more than 77 tokens is cut after 77,
the closing one with it, as torchmetrics 1.9 does; the library then takes the token of the largest number for it, as it
does with the released configurations of OpenAI's networks.
"""

import gzip
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sdm_bench.base.devices import full_precision, pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.pretrained import transformers_library, transformers_network
from sdm_bench.base.sections import Section
from sdm_bench.base.tensors import Tensors, tensors_sha256

VOCABULARY = Path("utils") / "bpe_simple_vocab_16e6.txt.gz"
VOCABULARY_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
# Merges of the vocabulary: 49,152 tokens without the 256 bytes, these at a word's end, and the two that follow.
MERGES = 49152 - 256 - 2
END_OF_WORD = "</w>"
SPECIAL = ("<|startoftext|>", "<|endoftext|>")
LONGEST = 77
BATCH_SIZE = 64
# Of weights that hold both encoders, what belongs to this one.
OF_TEXT = ("text_model.", "text_projection.")


class CLIPText(Section):
    """The text encoder beside a picture encoder of vit.yaml; fields of `transformers`' CLIPTextConfig.

    eos_token_id: 2, as in the released configurations, where it means the token of the largest number.
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    projection_dim: int
    max_position_embeddings: int = LONGEST
    vocab_size: int = 49408
    bos_token_id: int = 0
    eos_token_id: int = 2


# openai/clip-vit-base-patch16, config.json
TEXT_ENCODERS = {
    "clip-vit-b-16": CLIPText(
        hidden_size=512, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=8, projection_dim=512
    )
}


class TextFeatures(NamedTuple):
    """features: float32 (N, D), a row a caption. sha256: of what made them. cut: how many captions were too long."""

    features: np.ndarray
    sha256: str
    cut: int


def text_features(name: str, weights: Tensors, captions: Sequence[str], device: str = "auto") -> TextFeatures:
    """The embeddings of captions by the text encoder in `weights`, which belongs to the extractor `name`.

    Raises UserError for weights of another network and without the library or the vocabulary.
    """
    tensors = {key: value.float() for key, value in weights.items() if key.startswith(OF_TEXT)}
    tensors.pop("text_model.embeddings.position_ids", None)
    library, tokens = transformers_library("captions"), tokenizer()
    config = library.CLIPTextConfig(**TEXT_ENCODERS[name].model_dump())
    network = transformers_network(library.CLIPTextModelWithProjection, config, tensors, name)
    chosen = pick_device(device)
    encoder = network.eval().requires_grad_(False).to(chosen)
    rows, cut = [], 0
    for start in range(0, len(captions), BATCH_SIZE):
        batch = tokens(list(captions[start : start + BATCH_SIZE]), padding=True, return_tensors="pt")
        ids, mask = batch["input_ids"], batch["attention_mask"]
        cut += int((mask.sum(1) > LONGEST).sum())
        with torch.inference_mode(), full_precision():
            found = encoder(ids[:, :LONGEST].to(chosen), mask[:, :LONGEST].to(chosen)).text_embeds
        rows.append(found.float().cpu().numpy())
    return TextFeatures(np.concatenate(rows), tensors_sha256(tensors), cut)


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer of the library; raises UserError where the vocabulary is absent or another."""
    library, merges, symbols = transformers_library("captions"), _merges(), _byte_symbols()
    words = [*symbols, *(symbol + END_OF_WORD for symbol in symbols), *("".join(pair) for pair in merges), *SPECIAL]
    return library.CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=merges)


def _merges() -> list[tuple[str, str]]:
    spec = find_spec("mmseg")
    file = None if spec is None or spec.origin is None else Path(spec.origin).parent / VOCABULARY
    if file is None or not file.is_file():
        raise UserError(f"CLIP's vocabulary comes with MMSegmentation; mmseg/{VOCABULARY} is not installed")
    if sha256_file(file) != VOCABULARY_SHA256:
        raise UserError(f"{file}: not the vocabulary of openai/CLIP, whose SHA-256 is {VOCABULARY_SHA256}")
    # the first line says what the file is
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
    pairs = [line.split() for line in lines]
    return [(first, second) for first, second in pairs]


def _byte_symbols() -> list[str]:
    """The 256 characters that stand for bytes, in the order of the vocabulary: printable ones first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(256, 256 + others))]
