"""Train a method; pack what was trained."""

from pathlib import Path
from typing import Any

from sdm_bench import __version__
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.progress import say
from sdm_bench.training.checkpoints import write_weights
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import resolve, run_training
from sdm_bench.training.runs import TrainingRun
from sdm_bench.weights.store import provenance, weights_path

PERCEPTUAL_WEIGHTS = "vgg19"


def train_method(
    method: str, dataset: str, data: Path, preset: str, loop: LoopOptions, out: Path, **options: Any
) -> int:
    """Trains, or resumes, a method in the folder `out`; returns the steps done in all.

    options: those of sdm_bench.training.recipes.resolve. The perceptual loss of a GAN is on where its weights are.
    """
    perceptual = None
    adversary = catalog.preset(method, preset, dataset).discriminator
    if adversary is not None and adversary.lambda_vgg:
        perceptual = weights_path(PERCEPTUAL_WEIGHTS) if provenance(PERCEPTUAL_WEIGHTS) else None
        if perceptual is None:
            say(f"warning: trained without the perceptual loss; {PERCEPTUAL_WEIGHTS} is not in the cache")
    resolved = resolve(method, dataset, data, preset, perceptual=perceptual, **options)
    return run_training(resolved, loop, out)


def export_weights(run: Path, file: Path, half: bool, raw: bool) -> Path:
    """Packs the newest weights of a training run as one safetensors file and a JSON beside it."""
    if file.suffix != ".safetensors":
        raise UserError(f"{file}: expected a name that ends in .safetensors")
    tensors, about = TrainingRun(run).weights(raw)
    write_weights(file, tensors, about.model_copy(update={"version": __version__}), half)
    return file
