"""How an evaluation was made, for its record."""

from dataclasses import asdict
from typing import Any

import torch

from sdm_bench.evaluation.preflight import needed_weights
from sdm_bench.evaluation.task import Task
from sdm_bench.files import read_json
from sdm_bench.provenance import versions
from sdm_bench.sampling import RUN_FILE
from sdm_bench.weights.store import provenance


def how_measured(task: Task, metric: str, command: str) -> dict[str, Any]:
    """The record of an evaluation: everything that decides its numbers, and what it ran on."""
    section = getattr(task.protocol, metric).get(task.dataset.name)
    names = needed_weights(metric, task.protocol, task.dataset.name, task.segmenter)
    samples = task.samples
    return {
        "command": command,
        "metric": metric,
        "protocol": {
            "name": task.protocol.name,
            "sources": task.protocol.sources,
            "states": section and section.stated(),
        },
        "weights": {name: asdict(found) for name in names if (found := provenance(name)) is not None},
        "segmenter": task.segmenter,
        "statistics": str(task.statistics) if task.statistics else None,
        "pictures": {str(folder.resolve()): samples.sources[seed].manifest for seed, folder in samples.folders.items()},
        "made by": None if samples.run is None else read_json(samples.run / RUN_FILE),
        "real": {
            "root": str(task.dataset.root.resolve()),
            "split": task.dataset.split,
            "count": len(task.dataset),
            "transform": repr(task.real.transform),
        },
        "device": str(task.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
