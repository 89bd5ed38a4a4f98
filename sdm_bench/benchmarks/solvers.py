"""What fewer steps of a solver cost in quality, on the toy scenes."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.checkpoints.shipped import SHIPPED
from sdm_bench.datasets.base import size_at
from sdm_bench.datasets.known_datasets import DatasetSplit, dataset_class
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.results.rows import REAL
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed
from sdm_bench.toy import write_toy

TOY_DATASET = "cityscapes"
TOY_SHORT_SIDE = 64
REFERENCE = ("ddpm", 1000)


def benchmark_solvers(
    weights: WeightsSpec,
    solvers: Sequence[str],
    steps: Sequence[int],
    out: Path,
    command: str,
    scenes: int,
    seeds: Sequence[int],
    guidance: float | None = None,
    reference: bool = False,
    batch_size: int = 16,
    device: str = "auto",
    speed: Speed | None = None,
) -> pd.DataFrame:
    """Quality of the toy Cityscapes by solver and steps: FID against the real toy scenes, and mIoU.

    reference: also with 1,000 steps of ancestral sampling. Samples and results are kept in `out`; the same call
    resumes.
    """
    data = out / "data"
    write_toy(TOY_DATASET, data, {"val": scenes}, size_at(dataset_class(TOY_DATASET).native_size, TOY_SHORT_SIDE))
    cells = [(solver, count) for solver in solvers for count in steps] + ([REFERENCE] if reference else [])
    lines = []
    for solver, count in dict.fromkeys(cells):
        run = out / f"{solver}-{count}"
        options = SamplingOptions(solver=solver, solver_steps=count, guidance=guidance)
        where = DatasetSplit(TOY_DATASET, data, "val")
        generate_samples(weights, where, run, seeds, options, command, "", batch_size, device=device, speed=speed)
        asked = Evaluation(["fid", "miou"], run, segmenter=SHIPPED, device=device, command=command)
        rows, failures = evaluate(asked)
        if failures:
            raise UserError("\n".join(failures))
        values = {row.metric: row.value for row in rows if not row.class_name and row.method != REAL}
        lines.append({"solver": solver, "steps": count, "FID": values["fid"], "mIoU": values["miou"]})
    return pd.DataFrame(lines)
