"""A small piece of work of every kind, made by the program itself, to be damaged; needs no published weights."""

import argparse
import json
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file

from cli import main
from sdm_bench.checkpoints.shipped import shipped_weights
from sdm_bench.checkpoints.weights_file import read_weights, write_weights
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.metrics.frechet import Statistics
from sdm_bench.metrics.statistics_files import write_statistics
from sdm_bench.toy import write_toy
from sdm_bench.weights import store
from sdm_bench.weights.registry import entry
from tests.conftest import CAR, tiny_options

SIZE = (32, 64)


def make_workspace(root: Path) -> None:
    """Writes data, a run with results, a training, edits, weights, packs, statistics and a cache below `root`."""
    root.mkdir(parents=True)
    os.environ[store.CACHE_VARIABLE] = str(root / "cache")
    write_toy("cityscapes", root / "data", {"train": 4, "val": 2}, SIZE)
    _own_dataset(root / "own")
    _release(root / "release")
    _call("data", "prepare", "celebamask_hq", root / "release", root / "prepared")
    _call(*_generate(root), "--checkpoint", "toy", "--out", root / "run")
    _call("evaluate", root / "run", "--metric", "miou", "--segmenter", "toy", "--device", "cpu")
    _call("submit", root / "run", "--out", root / "bundle", "--samples")
    _training(root)
    make_pairs(root / "data", root / "pairs")
    _call("edit", "--pairs", root / "pairs", "--method", "spade", "--checkpoint", "toy", "--out", root / "edits")
    weights = shipped_weights("spade")
    for suffix in (".safetensors", ".json"):
        shutil.copy(weights.with_suffix(suffix), root / f"weights{suffix}")
    held, about = read_weights(weights)
    assert about is not None
    write_weights(root / "eight.safetensors", held, about, bits=8)
    tensors = load_file(weights)
    torch.save(tensors, root / "zip.pth")
    torch.save(tensors, root / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": tensors, "args": argparse.Namespace(rate=1)}, root / "namespace.pth")
    with zipfile.ZipFile(root / "pack.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(root / "zip.pth", "cityscapes/latest_net_G.pth")
    with tarfile.open(root / "pack.tar.gz", "w:gz") as packed:
        packed.add(root / "zip.pth", "cityscapes/latest_net_G.pth")
    write_statistics(root / "own.npz", Statistics(np.zeros(8), np.eye(8), 100), {"extractor": "inception-2015-12-05"})
    (root / "pair").mkdir()
    np.save(root / "pair" / "m.npy", np.zeros(8))
    np.save(root / "pair" / "s.npy", np.eye(8))
    store.save(entry("vgg19"), {"features.0.weight": torch.ones(2)}, "made by a campaign", "0")


def result_id(root: Path) -> str:
    """The id of a result of the run."""
    return (root / "run" / "results.csv").read_text().splitlines()[1].split(",")[0]


def record(root: Path) -> Path:
    """The record of the run's evaluation."""
    return next((root / "run" / "provenance").iterdir())


def make_pairs(data: Path, folder: Path) -> None:
    """Two of the toy streets with a car more, `a` and `b`, as `sdm-bench edit` takes them."""
    for name, record in zip("ab", open_dataset("cityscapes", data, "val").records, strict=False):
        for kind, path in (("images", record.image), ("labels", record.label), ("instances", record.instance)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            assert path is not None
            shutil.copy(path, folder / kind / f"{name}.png")
        edited = np.asarray(Image.open(record.label)).copy()
        edited[18:28, 20:40] = CAR
        (folder / "edited").mkdir(exist_ok=True)
        Image.fromarray(edited).save(folder / "edited" / f"{name}.png")


def _generate(root: Path) -> list[object]:
    data = ["--dataset", "cityscapes", "--data", root / "data"]
    return ["generate", "--method", "spade", *data, "--device", "cpu"]


def _training(root: Path) -> None:
    """A training of two steps, of a network that is tiny."""
    from sdm_bench.training.loop import LoopOptions
    from sdm_bench.training.recipes import run_training

    loop = LoopOptions(steps=2, log_every=1, save_every=1, grid_every=10, device="cpu")
    run_training(tiny_options("spade", root / "data"), loop, root / "trained")


def _own_dataset(root: Path) -> None:
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(root / "images" / f"{name}.png")
        Image.fromarray(rng.integers(0, 2, (16, 16), np.uint8)).save(root / "labels" / f"{name}.png")
    rows = ["- {name: road, color: [128, 64, 128]}", "- {name: Brücke, color: [0, 0, 1], ignore: true}"]
    (root / "classes.yaml").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _release(root: Path) -> None:
    for folder in ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno/0"):
        (root / folder).mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(root / "CelebA-HQ-img" / "0.jpg")
    Image.new("RGB", (512, 512), (255, 255, 255)).save(root / "CelebAMask-HQ-mask-anno" / "0" / "00000_skin.png")


def _call(*arguments: object) -> None:
    found = CliRunner().invoke(main, [str(each) for each in arguments])
    assert found.exit_code == 0, (arguments, found.output, found.exception)


def swapped_json(text: str, rng: np.random.Generator) -> str:
    """JSON with one value, drawn anywhere in it, of another type."""
    value = json.loads(text)
    places: list[tuple[dict | list, str | int]] = []

    def collect(tree: object) -> None:
        items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
        for key, inner in items:
            places.append((tree, key))  # type: ignore[arg-type]
            collect(inner)

    collect(value)
    if places:
        tree, key = places[int(rng.integers(len(places)))]
        others = [None, [], {}, "x", -7, 1e300, True, [[["deep"]]], "\u0000", 10**30]
        tree[key] = others[int(rng.integers(len(others)))]  # type: ignore[index]
    return json.dumps(value)


if __name__ == "__main__":
    make_workspace(Path(sys.argv[1]))
