"""Sample folders that tests draw, and what a metric finds in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdm_bench.base.files import write_png
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.metric import MetricResult, metric
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.results.sample_sets import SampleSet, open_run
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from tests.sampling.test_generate import sample_options

SIZE = (32, 64)


def real_at(root: Path, size: tuple[int, int] = SIZE) -> Resized:
    """The validation scenes at a size."""
    dataset = open_dataset("cityscapes", root, "val")
    return Resized(dataset, Transform("sdm", size, keeps_aspect=True, training=False))


def make_run(
    folder: Path, real: Resized, seeds: list[int], draw: Callable[[Example, int], Any], **options: object
) -> Path:
    """A folder of samples: draw(example, seed) -> uint8 (H, W, 3)."""
    digest = labels_sha256(real.dataset)
    about: SampleOptions = sample_options(**{"image_size": SIZE, "labels_sha256": digest, **options})
    SampleFolder(folder).start(about, seeds, "")
    for seed in seeds:
        for example in real:
            write_png(SampleFolder(folder).sample(example.id, seed), draw(example, seed))
    return folder


def noisy(example: Example, seed: int) -> np.ndarray:
    """The photograph with noise that grows with the seed."""
    assert example.image is not None
    rng = np.random.default_rng(seed)
    return (example.image + rng.normal(0, 20 * (seed + 1), example.image.shape)).clip(0, 255).astype(np.uint8)


def context_of(samples: SampleSet, real: Resized, name: str, protocol_name: str = DEFAULT, **more: Any) -> Any:
    """The context of a metric's measurement under a protocol."""
    chosen = protocol(protocol_name)
    section = metric(name).stated(chosen, real.dataset.name)
    return EvaluationContext(samples, real.dataset, chosen, name, section, torch.device("cpu"), **more)


def measure(run: Path | SampleSet, real: Resized, name: str, protocol_name: str = DEFAULT, **more: Any) -> MetricResult:
    """What a metric finds in a run's samples, or in a sample set."""
    samples = open_run(run, real.dataset) if isinstance(run, Path) else run
    return metric(name).measure(context_of(samples, real, name, protocol_name, **more))
