"""How well a segmenter of noisy pictures, which guides diffusion models, knows photographs that it has not seen."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import decided, start_processes
from sdm_bench.base.tensors import to_unit_range
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.segmenters import load_guiding
from sdm_bench.datasets.base import IGNORED
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, preset_schedule, q_sample
from sdm_bench.sampling.synthesizers import sample_generator

# The timesteps that are measured, as shares of all.
SHARES = (0.0, 0.25, 0.5, 0.75)
BATCH_SIZE = 8


def held_out_noisy(run: Path, device: str = "auto", split: str = "val") -> pd.DataFrame:
    """What the segmenter in a run's folder makes of the photographs of a split at four timesteps, a line each.

    accuracy: the share of the pixels that count; log_likelihood: of the right class, the mean over them in nats. The
    noise is a photograph's own. Raises UserError where the split is what it was trained on.
    """
    start_processes(device)
    return decided(lambda: _measured(run, pick_device(device), split))


@torch.inference_mode()
def _measured(run: Path, device: torch.device, split: str) -> pd.DataFrame:
    options = TrainingRun(run).options()
    dataset, seen = (open_dataset(options.dataset, Path(options.data), name) for name in (split, "train"))
    if dataset.split == seen.split:
        raise UserError(f"{dataset.root}: one split, which it was trained on")
    assert options.diffusion is not None, "a run of noisy pictures"
    loaded, _ = load_guiding(str(run), dataset.name, dataset.classes, options.image_size, options.diffusion)
    network, schedule = loaded.to(device), preset_schedule(options.diffusion)
    transform = Transform(options.training.recipe, options.image_size, dataset.keeps_aspect, training=False)
    batches = list(_batches(Resized(dataset, transform), torch.from_numpy(dataset.classes.evaluate_as).long()))
    rows = [_at(int(share * len(schedule)), network, schedule, batches, device) for share in SHARES]
    return pd.DataFrame(rows).set_index("timestep")


def _batches(examples: Resized, evaluate_as: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Photographs in [-1, 1], their noise and their classes, at most BATCH_SIZE together."""
    read = [example for example in examples if example.image is not None]
    for start in range(0, len(read), BATCH_SIZE):
        part = read[start : start + BATCH_SIZE]
        images = torch.stack([to_unit_range(each.image) for each in part if each.image is not None])
        noise = [torch.randn(images.shape[1:], generator=sample_generator(each.id, 0)) for each in part]
        yield images, torch.stack(noise), evaluate_as[torch.stack([torch.from_numpy(each.label) for each in part])]


def _at(
    index: int,
    network: nn.Module,
    schedule: NoiseSchedule,
    batches: list[tuple[Tensor, Tensor, Tensor]],
    device: torch.device,
) -> dict[str, float]:
    t = torch.full((1,), index, device=device)
    right = likelihood = pixels = 0.0
    for batch in batches:
        images, noise, truth = (each.to(device) for each in batch)
        timesteps = schedule.scaled_timesteps(t).expand(len(images))
        scores = network(q_sample(schedule, images, t, noise), timesteps).float()
        likelihood -= float(F.cross_entropy(scores, truth, ignore_index=IGNORED, reduction="sum"))
        right += float((scores.argmax(1) == truth).sum())
        pixels += float((truth != IGNORED).sum())
    if not pixels:
        raise UserError("no pixel of the photographs counts")
    return {"timestep": index, "accuracy": right / pixels, "log_likelihood": likelihood / pixels}
