"""Runs with numbers of single pictures, and the galleries that tests make of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reports.gallery.gallery import Shelf
from reports.tables import make_table
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.transforms import Resized
from sdm_bench.results.per_image import PerImage, add_per_image
from sdm_bench.results.rows import add_rows, read_rows
from sdm_bench.results.sample_sets import SampleSet, open_run
from tests.evaluation.measured import make_run, noisy
from tests.results.test_rows import row


def brightened(amount: int):  # type: ignore[no-untyped-def]
    """A drawing that adds `amount`, and ten times the seed, to the photograph."""

    def draw(example: Example, seed: int) -> np.ndarray:
        assert example.image is not None
        return (example.image.astype(int) + amount + 10 * seed).clip(0, 255).astype(np.uint8)

    return draw


def add_numbers(run: Path, samples: SampleSet, metric: str, values: dict[int | None, Sequence[float]]) -> None:
    """Writes numbers of single pictures by seed, in the order of the ids."""
    ids = samples.images[min(samples.images)].ids
    made = [
        PerImage(
            samples.dataset, samples.split, samples.name, "", "", None, None, samples.digest, "sdm-bench@1", "p",
            metric, "e", metric, seed, name, value,
        )
        for seed, of_seed in values.items()
        for name, value in zip(ids, of_seed, strict=True)
    ]  # fmt: skip
    add_per_image(run / "per-image.csv", made)


def three_runs(folder: Path, real: Resized, root: Path) -> list[Path]:
    """SDM without and with guidance, two seeds each, and SPADE: one seed, and no numbers of single pictures."""
    common: dict[str, Any] = {"data": str(root), "image_size": real.transform.size}
    runs = [
        make_run(folder / "sdm", real, [0, 1], brightened(5), guidance=1.0, **common),
        make_run(folder / "guided", real, [0, 1], brightened(30), guidance=1.5, **common),
        make_run(
            folder / "spade", real, [0], noisy, method="spade", stochastic=False, solver=None, solver_steps=None,
            guidance=None, **common,
        ),
    ]  # fmt: skip
    size = f"{real.transform.size[1]}x{real.transform.size[0]}"
    for run in runs:
        samples = open_run(run, real.dataset)
        about: dict[str, Any] = {"sample_set": samples.digest, "method": samples.name, "folder": str(run)}
        about |= {"seeds": samples.seeds, "image_size": size, "guidance": samples.options and samples.options.guidance}
        fid = row(value=100.0 + len(run.name), **about)
        miou = row(metric="miou", measure="miou", value=0.5, direction="higher", extractor="unet (toy)", **about)
        add_rows(run / "results.csv", [fid, miou])
    first, second = (open_run(run, real.dataset) for run in runs[:2])
    add_numbers(runs[0], first, "miou", {0: [0.5, 0.1, 0.4, 0.3, 0.2], 1: [0.1, 0.2, 0.3, 0.4, 0.5]})
    add_numbers(runs[0], first, "lpips", {None: [0.05, 0.04, 0.03, 0.02, 0.01]})
    add_numbers(runs[1], second, "miou", {0: [0.9, 0.8, 0.7, float("nan"), 0.5], 1: [0.9] * 5})
    return runs


def shelf_of(runs: Sequence[Path]) -> Shelf:
    """The runs' rows with one table."""
    rows = [each for run in runs for each in read_rows(run / "results.csv")]
    return Shelf(rows, [make_table("comparison", rows)], runs)
